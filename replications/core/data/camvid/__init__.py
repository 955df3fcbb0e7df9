"""CamVid: photographs of streets, for those who have them."""
