"""Replication of MTI-Net (Vandenhende, Georgoulis and Van Gool, ECCV 2020)."""
