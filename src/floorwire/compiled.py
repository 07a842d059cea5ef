"""Compiled rooms: a package whose modules setup.py has compiled, as they stand, where it could.

The compiled modules lie in a folder of the package that is named after its sources, so that they serve these
sources and no others: after an edit Python reads the sources, until the next install.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

ROOMS = ("engine",)
"""What setup.py compiles."""
OFF = "FLOORWIRE_COMPILED"
"""Set to ``off``, everything is read from its sources: to debug, to profile, to compare."""


def folder(package: Path) -> Path:
    """Return where the compiled modules of the package belong, as its sources are now."""
    digest = blake2b(digest_size=8)
    for source in sorted(package.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return package / f"compiled_{digest.hexdigest()}"


def path(package: str) -> list[str]:
    """Return the ``__path__`` of a package at this place: its compiled modules come before its sources."""
    compiled = folder(Path(package))
    is_used = compiled.is_dir() and os.environ.get(OFF) != "off"
    return [str(compiled), package] if is_used else [package]
