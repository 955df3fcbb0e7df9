"""What is asked of a whole text: tasks."""
