"""Trained models put to use: on images of one's own, and in other programs."""
