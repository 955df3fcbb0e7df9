"""What is asked about people: tasks."""
