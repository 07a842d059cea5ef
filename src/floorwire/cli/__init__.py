"""Commands, one file each."""

from __future__ import annotations

from typing import Annotated

import typer

from floorwire.cli import (
    backup,
    bench,
    deposit,
    doctor,
    export,
    halts,
    journal,
    keys,
    limits,
    record,
    replay,
    serve,
    version,
    watch,
)

app = typer.Typer(
    name="floorwire",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _floorwire(
    is_version: Annotated[
        bool, typer.Option("--version", callback=version.version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    """A trading gateway: live prices out and orders in, over one WebSocket."""


app.command("serve")(serve.serve)
app.command("watch")(watch.watch)
app.command("halt")(halts.halt)
app.command("resume")(halts.resume)
app.command("halts")(halts.halts)
app.add_typer(limits.app, name="limits")
app.add_typer(keys.app, name="keys")
app.command("deposit")(deposit.deposit)
app.add_typer(journal.app, name="journal")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(bench.app, name="bench")
app.add_typer(doctor.app, name="doctor")
app.command("record")(record.record)
app.command("export")(export.export)
app.add_typer(replay.app, name="replay")


def main() -> None:
    """Run the command line."""
    app()
