"""PASCAL VOC 2012: photographs of twenty kinds of things."""
