"""A transmitter and receiver of Swin blocks, learned by clients that keep their pictures."""
