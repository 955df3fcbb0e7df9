"""A dataset of one's own: a folder of pictures with what is known of them, and one description."""
