"""The People's Daily of January 1998: a dataset of segmented and tagged sentences."""
