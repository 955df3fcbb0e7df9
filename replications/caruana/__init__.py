"""Replication of Multitask Learning (Caruana, Machine Learning, 1997) on records of people."""
