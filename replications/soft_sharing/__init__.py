"""Soft sharing, replicated: a network for each task, coupled by a penalty."""
