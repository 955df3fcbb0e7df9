"""Sparse sharing, replicated: a subnetwork of one network for each task."""
