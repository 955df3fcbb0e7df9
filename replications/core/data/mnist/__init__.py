"""Handwritten digits of 28x28 pixels, five thousand of MNIST: a dataset of grey pictures."""
