"""Commands, one file each. Only the file of the command that is run is imported: it keeps start-up fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from floorwire.cli.command_table import COMMANDS, Command

__all__ = ["COMMANDS", "application", "main", "outline"]

NAME: Final = "floorwire"
HELP_NAMES: Final = ("-h", "--help")
TYPED: Final = ("_TYPER_COMPLETE_ARGS", "COMP_WORDS")
"""Variables in which a shell that completes gives the line so far."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with these commands."""
    app = _root()
    for name in names:
        command = COMMANDS[name]
        module, _, attribute = command.place.partition(".")
        found = getattr(import_module(f"floorwire.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=command.panel)
        else:
            app.command(name, rich_help_panel=command.panel)(found)
    return app


def outline() -> typer.Typer:
    """Return the command line with the names of all commands and what they do, but none that runs."""
    app = _root()
    for name, command in COMMANDS.items():
        if command.has_commands:
            app.add_typer(typer.Typer(), name=name, help=command.help, rich_help_panel=command.panel)
        else:
            app.command(name, help=command.help, rich_help_panel=command.panel)(_not_imported(command))
    return app


def _root() -> typer.Typer:
    app = typer.Typer(
        name=NAME,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP_NAMES)},
    )
    app.callback()(_floorwire)
    return app


def _not_imported(command: Command) -> Callable[[], None]:
    def run() -> None:
        raise AssertionError(f"{command.place} is not imported")

    return run


def _version(context: typer.Context, is_asked: bool) -> None:
    if is_asked:
        from floorwire.cli import version

        version.show(json=bool(context.params["json"]))
        raise typer.Exit


def _floorwire(
    is_version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_version, help="Print it and exit.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", is_eager=True, help="With --version: print it as JSON.")
    ] = False,
) -> None:
    """A trading gateway: live prices out and orders in, over one WebSocket."""
    if json:
        raise typer.BadParameter("write it after the command", param_hint="--json")


def chosen(arguments: Sequence[str], environment: Mapping[str, str]) -> typer.Typer:
    """Return the command line for these arguments, or for what is typed in a shell that completes.

    It has the one command that is named; where none is, the names of all.
    """
    typed = next((environment[name] for name in TYPED if name in environment), None)
    if typed is not None:
        first, *further = (*typed.split()[1:2], *typed.split(" ")[2:]) or ("",)
        return application([first]) if first in COMMANDS and further else outline()
    first = next(iter(arguments), "")
    if first in COMMANDS:
        return application([first])
    return application() if any(argument in COMMANDS for argument in arguments) else outline()


def main() -> None:
    """Run the command line."""
    chosen(sys.argv[1:], os.environ)()
