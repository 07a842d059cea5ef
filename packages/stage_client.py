"""Copy what the distribution ``floorwire-client`` is made of into a folder: ``stage_client.py FOLDER``."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "packages" / "client"
SOURCES = ROOT / "src" / "floorwire"
IGNORED = shutil.ignore_patterns("__pycache__", "compiled_*", "*.so", "*.pxd")


def stage(folder: Path) -> None:
    """Make the folder anew, with a pyproject.toml, the licence, and the modules that it lists."""
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "src" / "floorwire"
    package.mkdir(parents=True)
    for file in (CLIENT / "pyproject.toml", CLIENT / "README.md", ROOT / "LICENSE"):
        shutil.copy(file, folder)
    for name in tomllib.loads((CLIENT / "pyproject.toml").read_text())["tool"]["floorwire"]["modules"]:
        source = SOURCES / name
        if source.is_dir():
            shutil.copytree(source, package / name, ignore=IGNORED)
        else:
            shutil.copy(source, package)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
