"""How K losses become one update of the shared parameters."""
