"""``floorwire journal``: verify, export and repair what a server has journalled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer

from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.data_folder import Data, existing_folder
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.cli.progress import progress
from floorwire.config import SettingsError
from floorwire.storage import journal_inspection
from floorwire.storage import journal_repair as repairing
from floorwire.storage.data_dir import DataDirError
from floorwire.storage.journal import JournalCorruptError, JournalError
from floorwire.storage.journal_repair import RepairResult
from floorwire.trading import journal_export as exporting
from floorwire.trading.account_store import as_restored_entry

app = typer.Typer(name="journal", help="The journal of accounts and orders.", no_args_is_help=True)


class VerifiedOutput(msgspec.Struct, frozen=True):
    """A journal that verifies; ``snapshot``: the record of its last snapshot."""

    records: int
    snapshot: int | None


class RepairedOutput(msgspec.Struct, frozen=True):
    """What was kept of a damaged journal, what is lost, and where the damaged files are."""

    kept: int
    lost: str
    damaged: str


@app.command()
def verify(data: Data = None, json: Json = False) -> None:
    """Check every record, and that none is missing; ends with 1 where the journal is damaged."""
    with _exit_on_error(), progress("verifying the journal"):
        verdict = journal_inspection.verify(existing_folder(data))
    if json:
        echo(msgspec.json.encode(VerifiedOutput(verdict.records, verdict.snapshot_n)))
        return
    snapshot = "no snapshot" if verdict.snapshot_n is None else f"snapshot of record {verdict.snapshot_n}"
    echo(f"{verdict.records} records, all verified; {snapshot}")


@app.command()
def export(
    after: Annotated[int, typer.Option(min=0, help="Only records after this one.")] = 0,
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    data: Data = None,
) -> None:
    """Print the records in order, each a line of JSON; up to the damage, where there is some."""
    with _exit_on_error():
        for line in exporting.export(journal_inspection.read(existing_folder(data), after), account):
            echo(line)


@app.command()
def repair(data: Data = None, json: Json = False) -> None:
    """Keep what verifies of a damaged journal, up to the damage; the damaged files are put aside."""
    with _exit_on_error(), progress("repairing the journal"):
        repaired = repairing.repair(existing_folder(data), time.time_ns() // 1_000, as_restored_entry)
    if json:
        echo(msgspec.json.encode(repaired and _output(repaired)))
    elif repaired is None:
        echo("nothing to repair")
    else:
        echo(f"kept {repaired.kept_n} records; lost: {repaired.lost}")
        echo(f"the damaged files are in {repaired.damaged}")


def _output(repaired: RepairResult) -> RepairedOutput:
    return RepairedOutput(repaired.kept_n, repaired.lost, str(repaired.damaged))


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """On an error print one sentence and exit."""
    try:
        yield
    except (JournalError, SettingsError, DataDirError) as error:
        fail(str(error), ExitCode.FAILED if isinstance(error, JournalCorruptError) else ExitCode.UNUSABLE)
