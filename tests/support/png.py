"""Reads the pictures that a browser takes: PNG with 8 bits a channel, not interlaced.

Source: https://www.w3.org/TR/png-3/#9Filters
"""

import struct
import zlib
from pathlib import Path

CHANNELS = {2: 3, 6: 4}
"""By colour type."""


class Png:
    """A picture, by its pixels."""

    def __init__(self, path: Path) -> None:
        chunks = _chunks(path.read_bytes())
        header = dict(chunks)[b"IHDR"]
        self.width, self.height, bits, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", header)
        assert (bits, interlaced) == (8, 0)
        self._channels = CHANNELS[colour_type]
        data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
        self._rows = _unfiltered(data, self.width * self._channels, self._channels)

    def colour(self, x: float, y: float) -> str:
        """The pixel there, as `#rrggbb`."""
        start = int(x) * self._channels
        return f"#{self._rows[int(y)][start : start + 3].hex()}"


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        found.append((name, data[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def _unfiltered(data: bytes, width: int, step: int) -> list[bytes]:
    rows, above = [], bytes(width)
    for start in range(0, len(data), width + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + width])
        for index in range(width):
            left = row[index - step] if index >= step else 0
            corner = above[index - step] if index >= step else 0
            row[index] = (row[index] + _guess(kind, left, above[index], corner)) & 255
        above = bytes(row)
        rows.append(above)
    return rows


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    distances = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
    return (left, up, corner)[distances.index(min(distances))]
