"""The weighting of the paper: learned homoscedastic uncertainty."""
