"""What the encoder learns without a task: two views of a picture are alike, those of others not."""
