"""Replication of low-level tasks at low layers, on English."""
