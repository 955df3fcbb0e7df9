"""The kind of scene an image shows."""
