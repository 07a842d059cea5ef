"""What commands say to people: help without marks of a markup language, failures in sentences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from floorwire.cli import application


def commands(
    command: typer.core.TyperCommand | typer.core.TyperGroup, *path: str
) -> Iterator[tuple[str, ...]]:
    """Yield the path of a command, and of all below it."""
    yield path
    if isinstance(command, typer.core.TyperGroup):
        for name, below in command.commands.items():
            assert isinstance(below, typer.core.TyperCommand | typer.core.TyperGroup)
            yield from commands(below, *path, name)


NO_FOLDER = ": there is no data folder; name it with --data\n"
NO_SUCH = "there is no such file or folder\n"
APPLICATION = application()
ROOT = typer.main.get_command(APPLICATION)
assert isinstance(ROOT, typer.core.TyperGroup)
PATHS = list(commands(ROOT))


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_shows_what_stands_in_brackets(path: tuple[str, ...]) -> None:
    """Markup takes "[venues.ID]" for a style, and shows nothing, unless it is escaped."""
    command = ROOT
    for name in path:
        assert isinstance(command, typer.core.TyperGroup)
        command = command.commands[name]
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    for text in texts:
        assert text is None or "".join(Text.from_markup(text).plain.split()) == "".join(
            text.replace("\\[", "[").split()
        )


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_has_no_marks(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(APPLICATION, [*path, "--help"])
    assert shown.exit_code == 0
    assert "``" not in shown.output
    assert ":class:" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("restore", "{file}", "--master-key", "{nope}"), "floorwire: {nope}: " + NO_SUCH),
        (("restore", "{file}", "--master-key", "{folder}"), "floorwire: {folder}: it is a folder\n"),
        (("restore", "{nope}"), "floorwire: {nope}: " + NO_SUCH),
        (("keys", "list", "--data", "{file}"), "floorwire: {file}" + NO_FOLDER),
        (("keys", "list", "--data", "{file}/x"), "floorwire: {file}/x" + NO_FOLDER),
        (
            ("watch", "--url", "ws://localhost:1"),
            "floorwire: ws://localhost:1/ws cannot be reached: nothing listens there. "
            "Is the server running at this address?\n",
        ),
    ],
)  # fmt: skip
def test_a_failure_of_the_system_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("FLOORWIRE_DATA", str(tmp_path / "data"))
    (tmp_path / "file").touch()
    names = {"nope": tmp_path / "nope", "file": tmp_path / "file", "folder": tmp_path}
    ended = CliRunner().invoke(APPLICATION, [part.format(**names) for part in arguments])
    assert (ended.exit_code, ended.stderr) != (0, "")
    assert ended.stderr == said.format(**names)


@pytest.mark.parametrize(("option", "named"), [("--config={}", ""), ("--venue=replay:{}", "venue: ")])
def test_so_is_one_at_the_start_of_a_server(tmp_path: Path, option: str, named: str) -> None:
    nope = tmp_path / "nope"
    command = [sys.executable, "-m", "floorwire", "serve", option.format(nope), f"--data={tmp_path}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (2, f"floorwire: {named}{nope}: {NO_SUCH}")
