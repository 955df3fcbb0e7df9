"""What datasets of small grey pictures share, each of which shows one thing."""
