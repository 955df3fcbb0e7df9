"""Sluice networks, replicated."""
