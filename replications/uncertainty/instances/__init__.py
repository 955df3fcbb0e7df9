"""The paper's instance segmentation: a task."""
