"""Replication of sluice networks, on English."""
