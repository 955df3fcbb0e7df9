"""The results as one page to look at in a browser."""
