"""Replication of sparse sharing, on English."""
