"""Encoders (torchvision and our thin one), decoders, and the shared-trunk model."""
