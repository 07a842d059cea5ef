"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WRITTEN = "Written by `make docs` from {source}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the table with a line for each row, or nothing if there is none."""
    lines = [_row(cells) for cells in rows]
    return "\n".join([_row(head), _row(["---"] * len(head)), *lines]) + "\n" if lines else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def prose(text: str) -> str:
    """Return the text of a docstring as Markdown: code has single backticks, and nothing is HTML."""
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("<", "&lt;")
