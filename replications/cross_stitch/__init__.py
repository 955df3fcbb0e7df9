"""Cross-stitch networks, replicated."""
