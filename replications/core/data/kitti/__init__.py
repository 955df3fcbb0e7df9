"""KITTI: readers of its formats."""
