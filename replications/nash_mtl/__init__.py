"""Replication of Nash-MTL (Navon et al., ICML 2022)."""
