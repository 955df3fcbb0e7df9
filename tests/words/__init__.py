"""A replication with everything of its own; `tests/test_acceptance.py` builds it."""
