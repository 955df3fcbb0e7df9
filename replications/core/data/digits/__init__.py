"""Handwritten digits of 8x8 cells: a dataset that needs no download."""
