"""The paper's vehicle detection: a task."""
