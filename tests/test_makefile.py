"""``make install`` with a Python that is none of ours, what it says, and which Pythons get wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("compiled.py", "slots.h", "hub/sendloop.c", "storage/block_writer.c")
NEEDED = ("pyproject.toml", "setup.py", "requirements.txt", *(f"src/floorwire/{name}" for name in SOURCES))
PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then
    exec {real} -c 'import sys; sys.version_info = ({version}, 1, "final", 0); exec(sys.argv[1])' "$2"
fi
echo "python $*" >> {log}
if [ "$2" = venv ]; then
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
fi
case "$0 $*" in
    *"-e ."*) cp "$0" .venv/bin/floorwire;;
    *"floorwire serve") echo "floorwire serve" >> {log};;
esac
case "$*" in *" -q"*) ;; *"pip"*) echo "Collecting";; esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with the Makefile, and empty files where it looks at their age alone."""
    for name in NEEDED:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def install(tree: Path, version: str, target: str = "install") -> subprocess.CompletedProcess[str]:
    """Run it with a stand-in for this version of Python, which notes in ``log`` what it was asked to run."""
    python = tree / "python"
    python.write_text(PYTHON.format(real=sys.executable, version=version, log=tree / "log"))
    python.chmod(0o755)
    return made(tree, target, f"PYTHON={python}")


def made(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=tree, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("version", ["3, 10", "2, 7", "3, 15"])
def test_another_python_gets_a_sentence_before_anything_is_installed(tree: Path, version: str) -> None:
    ended = install(tree, version)
    assert ended.returncode != 0
    assert (
        f"is Python {version.replace(', ', '.')}. Floorwire needs Python 3.11, 3.12, 3.13 or 3.14"
        in ended.stdout
    )
    assert not (tree / "log").exists()


def test_no_python_gets_one_too(tree: Path) -> None:
    ended = made(tree, "install", "PYTHON=no-such-python")
    assert ended.returncode != 0
    assert "There is no no-such-python. Floorwire needs" in ended.stdout


@pytest.mark.parametrize("version", ["3, 11", "3, 12", "3, 13", "3, 14"])
def test_what_it_does_is_said_step_by_step(tree: Path, version: str) -> None:
    ended = install(tree, version)
    assert ended.returncode == 0, ended.stderr
    steps = (
        "1/3 Making",
        "2/3 Fetching",
        "Collecting",
        "3/3 Installing",
        "Collecting",
        "Compiling",
        "Collecting",
    )
    places, at = [], 0
    for step in steps:
        at = ended.stdout.index(step, at) + 1
        places.append(at)
    assert places == sorted(places)
    assert len((tree / "log").read_text().splitlines()) == 4
    again = install(tree, version)
    assert (again.returncode, len((tree / "log").read_text().splitlines())) == (0, 4), "nothing is done twice"


def test_what_serves_does_not_wait_for_a_compiler(tree: Path) -> None:
    ended = install(tree, "3, 11", "run")
    assert ended.returncode == 0, ended.stderr
    assert "make install compiles it" in ended.stdout
    assert "Compiling" not in ended.stdout
    assert (tree / "log").read_text().splitlines()[-1] == "floorwire serve"


@pytest.mark.parametrize("versions", [("3.11",), ("3.12", "3.13"), ("3.11", "3.12", "3.13", "3.14")])
def test_wheels_are_for_each_python_that_is_there_whichever_is_not(
    tree: Path, versions: tuple[str, ...]
) -> None:
    """A shell that ended with 127, because 3.14 was not there, gave make an empty list."""
    pythons = [tree / "pyenv" / "versions" / f"{version}.1" / "bin" / "python" for version in versions]
    for python in pythons:
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\n")
        python.chmod(0o755)
    environment = {"PATH": str(tree), "PYENV_ROOT": str(tree / "pyenv")}  # no Python of this machine
    command = [str(shutil.which("make")), "--dry-run", "wheels", "--assume-old=.venv/.dev"]
    listed = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    (building,) = (line for line in listed.stdout.splitlines() if "packages.build" in line)
    assert building.partition("packages.build dist")[2].split() == list(map(str, pythons))
