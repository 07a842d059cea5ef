"""Compiled packages: setup.py compiles their modules where it can; the sources stay as they are.

The compiled modules are in a folder of the package. Its name has a digest of the sources, so that it fits
only these: after an edit Python reads the sources, until the next install.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

COMPILED_PACKAGES = ("core", "engine")
"""The packages that setup.py compiles."""
PURE = "PURE_PYTHON"
"""An environment variable. If it is not empty, only sources are used: to debug, to profile, to compare."""


def folder(package: Path) -> Path:
    """Return the folder of the compiled modules for the package's present sources."""
    digest = blake2b(digest_size=8)
    for source in sorted(package.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return package / f"compiled_{digest.hexdigest()}"


def path(package: Iterable[str]) -> list[str]:
    """Return a package's ``__path__``: its compiled modules, where there are any, before its sources."""
    (sources,) = package
    compiled = folder(Path(sources))
    is_used = compiled.is_dir() and not os.environ.get(PURE)
    return [str(compiled), sources] if is_used else [sources]
