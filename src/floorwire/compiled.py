"""Compiled rooms: a package whose modules setup.py has compiled, as they stand, where it could.

The compiled modules lie in a folder of the package that is named after its sources, so that they serve these
sources and no others: after an edit Python reads the sources, until the next install.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

ROOMS = ("engine",)
"""What setup.py compiles."""
PURE = "PURE_PYTHON"
"""In the environment, not empty: read everything from its sources, to debug, to profile, to compare."""


def folder(package: Path) -> Path:
    """Return where the compiled modules of the package belong, as its sources are now."""
    digest = blake2b(digest_size=8)
    for source in sorted(package.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return package / f"compiled_{digest.hexdigest()}"


def path(package: Iterable[str]) -> list[str]:
    """Return a package's ``__path__`` with its compiled modules before its sources, where there are any."""
    (sources,) = package
    compiled = folder(Path(sources))
    is_used = compiled.is_dir() and not os.environ.get(PURE)
    return [str(compiled), sources] if is_used else [sources]
