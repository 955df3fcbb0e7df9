"""Writing PNG files as small as zlib allows: every row filter and strategy is tried."""

import struct
import zlib
from pathlib import Path

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3


def _filtered_rows(rows: np.ndarray, step: int) -> np.ndarray:
    """The five PNG filters of bytes (h, n), `step` bytes a pixel: (5, h, n)."""
    here = rows.astype(np.int16)
    left, above, corner = np.zeros_like(here), np.zeros_like(here), np.zeros_like(here)
    left[:, step:] = here[:, :-step]
    above[1:] = here[:-1]
    corner[1:, step:] = here[:-1, :-step]
    guess = left + above - corner
    a, b, c = abs(guess - left), abs(guess - above), abs(guess - corner)
    paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
    kinds = [here, here - left, here - above, here - (left + above) // 2, here - paeth]
    return np.stack(kinds).astype(np.uint8)


def _smallest_stream(rows: np.ndarray, step: int) -> bytes:
    """The shortest zlib stream over one filter for all rows, or the flattest for each row."""
    filtered = _filtered_rows(rows, step)
    height = len(rows)
    flattest = np.abs(filtered.astype(np.int8).astype(int)).sum(2).argmin(0)
    streams = []
    for choice in [*(np.full(height, kind) for kind in range(5)), flattest]:
        raw = b"".join(bytes([k]) + filtered[k, row].tobytes() for row, k in enumerate(choice))
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED):
            packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
            streams.append(packer.compress(raw) + packer.flush())
    return min(streams, key=len)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def write_png(path: Path, pixels: np.ndarray, palette: bytes | None = None) -> None:
    """Write (h, w) uint8 or uint16 grey, (h, w, 3) uint8 RGB, or (h, w) uint8 palette indices."""
    height, width = pixels.shape[:2]
    depth = 16 if pixels.dtype == np.uint16 else 8
    colour = _RGB if pixels.ndim == 3 else _GREY if palette is None else _PALETTE
    step = 3 if pixels.ndim == 3 else depth // 8
    stored = pixels.astype(">u2") if depth == 16 else pixels
    rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", palette))
    chunks += [_chunk(b"IDAT", _smallest_stream(rows, step)), _chunk(b"IEND", b"")]
    path.write_bytes(_SIGNATURE + b"".join(chunks))
