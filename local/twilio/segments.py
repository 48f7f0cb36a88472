"""Segments as the carrier counts them. Own arithmetic: the bundle's may be wrong."""

from __future__ import annotations

# 3GPP TS 23.038, default alphabet and extension table, by code point.
_PLAIN = {
    0x0A, 0x0D, 0xA1, 0xA3, 0xA4, 0xA5, 0xA7, 0xBF, 0xC4, 0xC5, 0xC6, 0xC7, 0xC9, 0xD1, 0xD6, 0xD8,
    0xDC, 0xDF, 0xE0, 0xE4, 0xE5, 0xE6, 0xE8, 0xE9, 0xEC, 0xF1, 0xF2, 0xF6, 0xF8, 0xF9, 0xFC,
    0x393, 0x394, 0x398, 0x39B, 0x39E, 0x3A0, 0x3A3, 0x3A6, 0x3A8, 0x3A9,
    *(code for code in range(0x20, 0x7F) if chr(code) not in "[\\]^`{|}~"),
}  # fmt: skip
_ESCAPED = {ord(char) for char in "\f[\\]^{|}~€"}


def segments_of(text: str) -> int:
    """How many segments a text costs; an empty one costs one."""
    points = [ord(char) for char in text]
    if all(point in _PLAIN or point in _ESCAPED for point in points):
        return _parts([2 if point in _ESCAPED else 1 for point in points], 160, 153)
    return _parts([2 if point > 0xFFFF else 1 for point in points], 70, 67)


def _parts(widths: list[int], alone: int, joined: int) -> int:
    if sum(widths) <= alone:
        return 1
    parts, room = 1, joined
    for width in widths:
        if width > room:
            parts, room = parts + 1, joined
        room -= width
    return parts
