"""Cityscapes: photographs of streets, for those who have an account."""
