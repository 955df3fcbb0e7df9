"""Replication of Kendall, Gal and Cipolla (CVPR 2018)."""
