"""How the command line starts: what it imports, its help, and what a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from floorwire.cli import application, chosen, outline
from floorwire.cli.command_table import COMMANDS

HEAVY = (
    "floorwire.web",
    "floorwire.app",
    "floorwire.engine",
    "floorwire.venues",
    "uvicorn",
    "fastapi",
    "picows",
)


PROGRAM = "import sys; sys.argv[0] = 'floorwire'; from floorwire.cli import main; main()"
"""The command as a shell starts it, by its name."""


def imported(*arguments: str) -> set[str]:
    """Return the modules that the command imports."""
    command = [sys.executable, "-X", "importtime", "-m", "floorwire", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = (line for line in ended.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith(HEAVY)}


@pytest.mark.parametrize("argument", ["-h", "--install-complet"])
def test_help_and_mistakes_import_no_command(argument: str) -> None:
    modules = imported(argument)
    assert heavy(modules) == set()
    assert {name for name in modules if name.startswith("floorwire")} == {
        "floorwire",
        "floorwire.cli",
        "floorwire.cli.command_table",
        "floorwire.__main__",
    } & modules


@pytest.mark.parametrize("arguments", [("halts", "-h"), ("profiles",), ("top", "-h"), ("login", "-h")])
def test_commands_of_clients_do_not_import_the_server(arguments: tuple[str, ...]) -> None:
    assert heavy(imported(*arguments)) == set()


def root(app: typer.Typer) -> typer.core.TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    return command


def first_sentence(text: str | None) -> str:
    """Return what the list of commands shows of a help text."""
    return " ".join((text or "").partition("\n\n")[0].split()).replace("\\[", "[")


def test_the_table_says_what_the_commands_say() -> None:
    commands = root(application()).commands
    assert set(commands) == set(COMMANDS)
    said = {name: first_sentence(command.help) for name, command in commands.items()}
    assert said == {name: command.help for name, command in COMMANDS.items()}


def test_the_outline_shows_the_same_help() -> None:
    whole, light = (CliRunner().invoke(app, ["-h"]).output for app in (application(), outline()))
    assert whole == light
    assert "keys" in light


@pytest.mark.parametrize("name", ["keys", "config", "watch", "doctor"])
def test_each_command_takes_both_names_of_help(name: str) -> None:
    short, long = (CliRunner().invoke(application([name]), [name, option]) for option in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output


def test_a_mistyped_command_is_one_sentence_with_the_name_that_was_meant() -> None:
    ended = CliRunner().invoke(chosen(["halst"], {}), ["halst"])
    assert ended.exit_code == 2
    assert "halts" in ended.output


def test_an_option_before_a_command_runs_the_command() -> None:
    ended = CliRunner().invoke(chosen(["--", "profiles", "-h"], {}), ["--", "profiles", "-h"])
    assert ended.exit_code == 0
    assert "servers that login keeps" in ended.output


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("floorwire ha", {"halt", "halts"}, {"keys"}),
        ("floorwire halt", {"halt", "halts"}, {"keys"}),
        ("floorwire keys ", {"create", "list", "revoke"}, {"halts"}),
        ("floorwire keys cre", {"create"}, {"list"}),
        ("floorwire top --inte", {"--interval"}, {"--json"}),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, offered: set[str], not_offered: set[str]) -> None:
    words = typed.split(" ")
    environment = {
        **os.environ,
        "_FLOORWIRE_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = set(ended.stdout.split())
    assert offered <= found, ended.stderr
    assert not (not_offered & found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str) -> None:
    variables = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--show-completion", shell],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "_FLOORWIRE_COMPLETE" in ended.stdout
