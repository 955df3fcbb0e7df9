"""Replication of joint recovery and classification over a channel (Lyu et al., IEEE TWC 2024)."""
