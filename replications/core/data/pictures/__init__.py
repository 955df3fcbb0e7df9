"""What datasets of pictures share."""
