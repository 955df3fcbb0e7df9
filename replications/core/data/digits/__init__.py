"""Handwritten digits: a dataset of small grey pictures."""
