"""Things in a picture, with boxes and masks: tasks."""
