"""Writes the pages that the code writes: ``python -m docsite docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from docsite.pages import PAGES


def write(folder: Path) -> None:
    """Write every page below the folder."""
    for name, text in PAGES.items():
        (folder / name).write_text(text())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
