"""Commands, one file each. Only the file of the command that is run is imported: it keeps start-up fast."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Final

import typer

from floorwire.cli import version

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "serve.serve",
    "watch": "watch.watch",
    "halt": "halts.halt",
    "resume": "halts.resume",
    "halts": "halts.halts",
    "limits": "limits.app",
    "quarantine": "quarantine.app",
    "keys": "keys.app",
    "deposit": "deposit.deposit",
    "accounts": "accounts.app",
    "journal": "journal.app",
    "backup": "backup.backup",
    "restore": "backup.restore",
    "bench": "bench.app",
    "doctor": "doctor.app",
    "record": "record.record",
    "export": "export.app",
    "replay": "replay.app",
    "bot": "bot.app",
}
"""By name: the module and its function; ``app`` where a command has commands of its own."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with these commands."""
    app = typer.Typer(
        name="floorwire",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_floorwire)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(".")
        command = getattr(import_module(f"floorwire.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _floorwire(
    is_version: Annotated[
        bool, typer.Option("--version", callback=version.version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    """A trading gateway: live prices out and orders in, over one WebSocket."""


def main() -> None:
    """Run the command line."""
    first = next(iter(sys.argv[1:]), "")
    application([first] if first in COMMANDS else COMMANDS)()
