"""Universal Dependencies, English Web Treebank: a dataset of parsed sentences."""
