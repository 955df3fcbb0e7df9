"""Supervising low-level tasks at low layers, replicated."""
