"""Streets: the rendered dataset that the project carries."""
