"""The wheel with compiled parts, built from the source distribution, and run by pip, uvx and pipx."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from packages import build

from tests.deploy.debian_programs import ROOT, output_of
from tests.deploy.environments import Environment, clean

pytestmark = pytest.mark.slow
TOOLS = ROOT / ".venv" / "tools" / "bin"
"""``make test-slow`` installs uv, pipx and cibuildwheel there."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel for the Python that runs the tests: three to four minutes of CPU time."""
    folder = tmp_path_factory.mktemp("dist")
    build.compiled_wheels(build.sdist(folder), folder, [sys.executable])
    (found,) = folder.glob("*.whl")
    return found


def tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        pytest.skip(f"there is no {path}: make test-slow installs it")
    return str(path)


def test_it_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    assert f"-cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-" in wheel.name
    environment = Environment(tmp_path / "empty")
    environment.install(str(wheel))
    assert "compiled: core, engine, venues, sendloop" in environment.smoke("compiled")


def test_uvx_runs_it(wheel: Path, tmp_path: Path) -> None:
    own = {**clean(), "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_TOOL_DIR": str(tmp_path / "tools")}
    said = output_of(
        tool("uvx"),
        "--python",
        sys.executable,
        "--from",
        str(wheel),
        "floorwire",
        "--version",
        environment=own,
    )
    assert "compiled: core, engine, venues, sendloop" in said


def test_pipx_runs_it(wheel: Path, tmp_path: Path) -> None:
    own = {**clean(), "PIPX_HOME": str(tmp_path / "pipx")}
    said = output_of(
        tool("pipx"),
        "run",
        "--python",
        sys.executable,
        "--spec",
        str(wheel),
        "floorwire",
        "--version",
        environment=own,
    )
    assert "compiled: core, engine, venues, sendloop" in said


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
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    minors = [text.rpartition(".")[2] for text in classifiers if "Python :: 3." in text]
    built = [line for line in said.splitlines() if line.startswith("cp")]
    assert len(built) == 2 * len(minors)
    assert set(built) == {
        f"cp3{minor}-{kind}_x86_64" for minor in minors for kind in ("manylinux", "musllinux")
    }
