"""Fashion-MNIST: a dataset of grey pictures of clothes."""
