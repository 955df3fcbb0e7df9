"""Replication of the QM9 experiment of Nash-MTL (Navon et al., ICML 2022)."""
