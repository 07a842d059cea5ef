"""Writes docs/settings.md: ``python -m floorwire.config``."""

from __future__ import annotations

import sys

from floorwire.config.description import describe

if __name__ == "__main__":
    sys.stdout.write(describe())
