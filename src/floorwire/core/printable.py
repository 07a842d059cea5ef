"""Texts of others, made safe for a terminal and a log.

A terminal acts on control characters: ESC begins commands, U+009B is the same in one character, and others
turn the direction of text around. All that is not printable (Unicode's control, format, private and separator
characters) is shown as Python writes it, such as ``\\x1b``.
"""

from __future__ import annotations

import json


def printable(text: str, keep: str = "") -> str:
    """Return the text with what is not printable escaped, except the characters of ``keep``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _escaped(char) for char in text)


def printable_json(data: bytes) -> str:
    """Return the JSON as text that means the same and is printable. Other bytes are escaped."""
    text = data.decode(errors="backslashreplace")
    if text.isprintable():
        return text
    try:
        return json.dumps(json.loads(text))
    except (ValueError, RecursionError):
        return printable(text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
