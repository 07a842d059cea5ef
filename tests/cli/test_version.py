"""``floorwire --version``."""

from __future__ import annotations

import json
import platform

import pytest
from typer.testing import CliRunner

from floorwire import __version__, core, engine
from floorwire.cli import application
from floorwire.venues import common


def printed(*more: str) -> str:
    result = CliRunner().invoke(application(), ["--version", *more])
    assert result.exit_code == 0
    return result.stdout.strip()


def test_it_tells_the_same_as_json() -> None:
    told = json.loads(printed("--json"))
    assert told == json.loads(CliRunner().invoke(application(), ["--json", "--version"]).stdout)
    parts = ", ".join(told["compiled"]) or "nothing"
    assert printed() == f"floorwire {told['floorwire']}, Python {told['python']}, compiled: {parts}"


def test_json_before_a_command_is_a_mistake_and_says_so() -> None:
    result = CliRunner().invoke(application(), ["--json", "profiles"])
    assert result.exit_code == 2
    assert "write it after the command" in result.stderr


def test_it_tells_what_runs_and_what_of_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    start = f"floorwire {__version__}, Python {platform.python_version()}, compiled: "
    assert printed().startswith(start)
    for package, name in ((core, "core"), (engine, "engine"), (common, "venues")):
        monkeypatch.setattr(package, "__path__", ["compiled", "sources"])
        assert name in printed().removeprefix(start)
        monkeypatch.setattr(package, "__path__", ["sources"])
        assert name not in printed().removeprefix(start)
    assert printed() in (start + "block_writer, sendloop", start + "nothing")
