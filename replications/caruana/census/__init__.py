"""Census-Income: a dataset of people."""
