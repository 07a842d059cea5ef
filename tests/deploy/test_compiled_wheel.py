"""The wheels with compiled parts, built from the source distribution, and run by pip, uvx and pipx.

A wheel takes three to four minutes of CPU time. Nothing here has a limit in time: a slow machine may need a
quarter of an hour for each. ``WHEELS=dist`` tries those that ``make wheels`` has built, and builds none.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packages import build

from tests.deploy.debian_programs import ROOT, output_of
from tests.deploy.environments import Environment, output_outside

pytestmark = pytest.mark.slow
TOOLS = ROOT / ".venv" / "tools" / "bin"
"""``make test-slow`` installs uv, pipx and cibuildwheel there."""
BUILT = os.environ.get("WHEELS")
OURS = f"3.{sys.version_info.minor}"
HAS_HEADERS = (
    "import ensurepip, pathlib, sysconfig; pathlib.Path(sysconfig.get_path('include'), 'Python.h').stat()"
)
CLASSIFIERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
VERSIONS = [
    text.removeprefix("Programming Language :: Python :: ") for text in CLASSIFIERS if "Python :: 3." in text
]


def python_of(version: str) -> str:
    """Return this version of Python, with headers. The test is skipped where there is none."""
    on_path = shutil.which(f"python{version}")
    found = [sys.executable] if version == OURS else []
    found += [] if on_path is None else [on_path]
    home = pwd.getpwuid(os.getuid()).pw_dir  # the tests have another HOME
    root = os.environ.get("PYENV_ROOT", f"{home}/.pyenv")
    found += map(str, Path(root, "versions").glob(f"{version}.*/bin/python"))
    for python in found:
        if not subprocess.run([python, "-c", HAS_HEADERS], capture_output=True, check=False).returncode:
            return python
    pytest.skip(f"there is no Python {version} with headers")


class Wheels:
    """Builds each wheel once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder if BUILT is None else Path(BUILT)
        self._tree: Path | None = None

    def of(self, version: str) -> Path:
        """Return the wheel for a version of Python."""
        python, pattern = python_of(version), f"floorwire-*-cp{version.replace('.', '')}-*.whl"
        if not list(self._folder.glob(pattern)) and BUILT is None:
            if self._tree is None:
                source = build.sdist(self._folder)
                self._tree = build.unpacked(source, str(self._folder))
            build.compiled_wheel(self._tree, self._folder, python)
        (found,) = self._folder.glob(pattern)
        return found


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    return Wheels(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def wheel(wheels: Wheels) -> Path:
    """The wheel for the Python that runs the tests."""
    return wheels.of(OURS)


def tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        pytest.skip(f"there is no {path}: make test-slow installs it")
    return str(path)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_works_in_an_empty_environment(wheels: Wheels, version: str, tmp_path: Path) -> None:
    wheel = wheels.of(version)
    tag = f"cp{version.replace('.', '')}"
    assert f"-{tag}-{tag}-" in wheel.name
    environment = Environment(tmp_path / "empty", python_of(version))
    environment.install(str(wheel))
    said = environment.smoke("compiled")
    assert f"Python {version}." in said
    assert "compiled: core, engine, venues, block_writer, sendloop" in said


def test_uvx_runs_it(wheel: Path, tmp_path: Path) -> None:
    said = output_outside(
        tool("uvx"),
        "--python",
        sys.executable,
        "--from",
        str(wheel),
        "floorwire",
        "--version",
        UV_CACHE_DIR=str(tmp_path / "cache"),
        UV_TOOL_DIR=str(tmp_path / "tools"),
    )
    assert "compiled: core, engine, venues, block_writer, sendloop" in said


def test_pipx_runs_it(wheel: Path, tmp_path: Path) -> None:
    said = output_outside(
        tool("pipx"),
        "run",
        "--python",
        sys.executable,
        "--spec",
        str(wheel),
        "floorwire",
        "--version",
        PIPX_HOME=str(tmp_path / "pipx"),
    )
    assert "compiled: core, engine, venues, block_writer, sendloop" in said


def test_cibuildwheel_builds_for_each_python_that_we_name(tmp_path: Path) -> None:
    said = output_of(
        tool("cibuildwheel"),
        "--platform",
        "linux",
        "--archs",
        "x86_64",
        "--print-build-identifiers",
        str(ROOT),
    )
    minors = [version.rpartition(".")[2] for version in VERSIONS]
    built = [line for line in said.splitlines() if line.startswith("cp")]
    assert len(built) == 2 * len(minors)
    assert set(built) == {
        f"cp3{minor}-{kind}_x86_64" for minor in minors for kind in ("manylinux", "musllinux")
    }
