"""What the commands that change a data folder share: its option, its errors, and the audit log."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from floorwire import config
from floorwire.auth.grant import GrantError
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.config import SettingsError
from floorwire.core.os_errors import sentence
from floorwire.storage.audit_log import AuditEntry, append
from floorwire.storage.data_dir import DataDir, DataDirError, check_exists
from floorwire.storage.database import DatabaseError
from floorwire.storage.deposit_rows import UnknownAccountError
from floorwire.storage.key_store import UnknownKeyError

Data = Annotated[str | None, typer.Option(help="The server's folder for what survives a restart.")]


@contextmanager
def exit_on_error() -> Iterator[None]:
    """On an error print one sentence and exit."""
    try:
        yield
    except BrokenPipeError:  # the reader of the pipe has closed it: no error
        raise
    except (
        GrantError,
        SettingsError,
        DataDirError,
        DatabaseError,
        UnknownKeyError,
        UnknownAccountError,
        OSError,
    ) as error:
        fail(str(error.args[0]) if isinstance(error, LookupError) else sentence(error), ExitCode.UNUSABLE)


def chosen_folder(data: str | None) -> Path:
    """Return the data folder: ``--data``, or that of the settings. Raises SettingsError."""
    return Path(config.load(environment=os.environ, flags={"data": data}).data).expanduser()


def existing_folder(data: str | None) -> Path:
    """Return the same. Raises DataDirError if it is missing, and SettingsError."""
    folder = chosen_folder(data)
    check_exists(folder)
    return folder


@contextmanager
def open_data_dir(data: str | None, *, is_made: bool = False) -> Iterator[DataDir]:
    """Yield the data folder. ``is_made``: it is made where it is missing."""
    data_dir = DataDir(chosen_folder(data) if is_made else existing_folder(data), os.environ)
    for notice in data_dir.keys.notices:
        echo(f"floorwire: {notice}", err=True)
    yield data_dir


def check_names(symbols: Sequence[str] | None, deposits: Mapping[str, str]) -> None:
    """Refuse what no market here trades: it is a mistyped name. Raises GrantError, SettingsError."""
    from floorwire.connectors.venue_registry import traded_names

    if not symbols and not deposits:
        return
    known = traded_names(config.load(environment=os.environ))
    if known is None:
        return
    try:
        known.check(symbols, deposits)
    except GrantError as error:
        hint = "(the markets of another --venue: set FLOORWIRE_VENUE as for the server)"
        raise GrantError(error.field, f"{str(error).partition(': ')[2]} {hint}") from None


def note(data_dir: DataDir, action: str, target: str) -> None:
    """Write into the audit log what was done, and to what."""
    who = f"os:{_os_user()}"
    entry = AuditEntry(ts=now_us(), event=action, account=who, how="command line", target=target)
    append(data_dir.audit_path, [entry])


def now_us() -> int:
    """Return the date, in microseconds since 1970."""
    return time.time_ns() // 1_000


def _os_user() -> str:
    """Return the name of who runs this. A container may run as a number that has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
