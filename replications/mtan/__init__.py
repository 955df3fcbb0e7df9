"""Multi-task attention networks, replicated."""
