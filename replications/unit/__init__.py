"""Replication of UniT (Hu and Singh, ICCV 2021): one transformer for pictures and text."""
