"""Hard sharing (Caruana, 1997) of dense tasks on photographs."""
