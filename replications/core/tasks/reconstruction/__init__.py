"""The picture itself."""
