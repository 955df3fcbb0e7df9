"""Colours of semantic classes that have none of their own."""

from __future__ import annotations


def palette(count: int) -> list[tuple[int, int, int]]:
    """PASCAL VOC's colours of the classes 1 to `count`: the bits of the number, from the lowest,
    go to red, green and blue in turn, and there from the highest."""
    colours = []
    for number in range(1, count + 1):
        red = green = blue = 0
        for bit in range(3):
            red |= (number >> (3 * bit) & 1) << (7 - bit)
            green |= (number >> (3 * bit + 1) & 1) << (7 - bit)
            blue |= (number >> (3 * bit + 2) & 1) << (7 - bit)
        colours.append((red, green, blue))
    return colours
