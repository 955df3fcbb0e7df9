"""Attentive single-tasking of multiple tasks, replicated."""
