"""Equal weights."""
