"""Estimate the width of text, and wrap or cut text to a width. Pure functions.

SVG neither wraps nor cuts text. The reader's font is unknown, so the widths are generous estimates
for a sans-serif font.
"""

import unicodedata

ELLIPSIS = "…"
_NARROW = frozenset("iljtfrI.,:;'’‘|!()[] -")
_WIDE = frozenset("mwMW@%…—")


def text_width(text: str, size: float) -> float:
    """Estimate the width of `text` in px, at a font size of `size` px."""
    return sum(map(_ems, text)) * size


def wrap_text(text: str, room: float, size: float, most: int) -> list[str]:
    """Wrap `text` into at most `most` lines, each up to `room` px wide. "…" replaces the part of a
    line that does not fit."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most - 1:
        line = words.pop(0)
        while words and text_width(f"{line} {words[0]}", size) <= room:
            line = f"{line} {words.pop(0)}"
        lines.append(_cut(line, room, size))
    if words:
        lines.append(_cut(" ".join(words), room, size))
    return lines


def _cut(text: str, room: float, size: float) -> str:
    if text_width(text, size) <= room:
        return text
    left = room - text_width(ELLIPSIS, size)
    kept = ""
    for letter in text:
        left -= _ems(letter) * size
        if left < 0:
            break
        kept += letter
    return kept.rstrip() + ELLIPSIS


def _ems(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(letter) in ("W", "F"):
        return 1.1
    if letter in _NARROW:
        return 0.4
    if letter in _WIDE:
        return 1.0
    return 0.75 if letter.isupper() else 0.66
