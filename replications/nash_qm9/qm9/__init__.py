"""QM9: a dataset of molecules."""
