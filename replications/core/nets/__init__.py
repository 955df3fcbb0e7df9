"""Encoders (torchvision's, timm's and our thin ones), decoders, and the shared-trunk model."""
