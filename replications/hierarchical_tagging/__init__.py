"""Replication of low-level tasks at low layers on language (Søgaard and Goldberg, ACL 2016)."""
