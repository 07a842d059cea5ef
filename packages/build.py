"""Build the packages of this tree: ``python -m packages.build FOLDER [PYTHON...]``.

FOLDER gets the source distribution, a wheel without compiled parts for any machine, the client's wheel and
source distribution, and for each PYTHON a wheel with compiled parts. They are built as others build them:
from the source distribution.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packages.stage_client import stage

ROOT = Path(__file__).resolve().parents[1]
PURE = {"PURE_PYTHON": "1"}


def sdist(out: Path) -> Path:
    """Build the source distribution, and return its path."""
    _build(ROOT, out, "--sdist", environment=PURE)
    (path,) = out.glob("floorwire-*.tar.gz")
    return path


def client(out: Path) -> None:
    """Build the wheel and the source distribution of the SDK alone."""
    with TemporaryDirectory() as folder:
        stage(Path(folder, "client"))
        _build(Path(folder, "client"), out)


def pure_wheel(source: Path, out: Path) -> None:
    """Build the wheel that any machine can use, at half the speed."""
    with TemporaryDirectory() as folder:
        _build(unpacked(source, folder), out, "--wheel", environment=PURE)


def compiled_wheels(source: Path, out: Path, pythons: Sequence[str]) -> None:
    """Build a wheel with compiled parts for each of these interpreters, from the same output of Cython."""
    with TemporaryDirectory() as folder:
        tree = unpacked(source, folder)
        for python in pythons:
            compiled_wheel(tree, out, python)


def compiled_wheel(tree: Path, out: Path, python: str) -> None:
    """Build a wheel with compiled parts. What Cython wrote into the tree for another Python is used again."""
    with TemporaryDirectory() as folder:
        _run(python, "-m", "venv", folder)
        pip = (str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "wheel", "--no-deps", "-w", str(out), str(tree))


def unpacked(source: Path, folder: str) -> Path:
    """Unpack a source distribution, and return its folder."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return Path(folder, source.name.removesuffix(".tar.gz"))


def _build(tree: Path, out: Path, *kinds: str, environment: dict[str, str] | None = None) -> None:
    _run(sys.executable, "-m", "build", "-o", str(out), *kinds, str(tree), environment=environment)


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run a command, without what would make one of our packages another one."""
    inherited = {name: value for name, value in os.environ.items() if name not in PURE}
    subprocess.run(command, check=True, env={**inherited, **(environment or {})})


def main() -> None:
    """Build what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    arguments = parser.parse_args()
    if not arguments.pythons:
        print("No Python was named: there will be no wheel with compiled parts.", file=sys.stderr)
    out = arguments.folder.resolve()
    source = sdist(out)
    pure_wheel(source, out)
    client(out)
    compiled_wheels(source, out, arguments.pythons)


if __name__ == "__main__":
    main()
