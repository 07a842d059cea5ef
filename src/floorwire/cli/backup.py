"""``floorwire backup`` and ``floorwire restore``: a whole data folder as one file, and back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from floorwire.auth.secret_sealer import SecretSealer, verify_digest
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.data_folder import Data, chosen_folder, existing_folder
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.cli.progress import progress
from floorwire.config import MASTER_KEY, SettingsError
from floorwire.core.os_errors import sentence
from floorwire.storage import backup as backups
from floorwire.storage import master_key as key_file
from floorwire.storage.backup import BackupError, Manifest
from floorwire.storage.data_dir import DataDirError
from floorwire.storage.master_key import MasterKeyError, load_master
from floorwire.storage.private_files import private_folder, read_secret

Archive = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.")]


class CopiedOutput(msgspec.Struct, frozen=True):
    """The archive or the folder that was made."""

    path: str
    records: int
    files: int


def backup(archive: Archive, data: Data = None, json: Json = False) -> None:
    """Write the data folder to a new archive, beside a running server or without one."""
    try:
        folder = existing_folder(data)
        with progress("copying and verifying"):
            made = backups.back_up(folder, archive.expanduser(), time.time_ns() // 1_000)
    except (BackupError, SettingsError, DataDirError) as error:
        _failed(error)
    _show(str(archive), made, json=json)
    where = MASTER_KEY if MASTER_KEY in os.environ else str(folder / key_file.FILE)
    echo(f"The master key is not in it. Keep a copy elsewhere: {where}", err=True)


def restore(
    archive: Archive,
    data: Data = None,
    master_key: Annotated[
        Path | None, typer.Option(help="A copy of the folder's master.key, to put beside the keys.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a data folder of an archive; it begins a new epoch, and gives no order id again."""
    try:
        folder = chosen_folder(data)
        if master_key is not None:
            _put_master(master_key, folder)
        with progress("verifying and copying"):
            made = backups.restore(archive.expanduser(), folder)
        _show(str(folder), made, json=json)
        _check_master(folder)
    except (BackupError, SettingsError, MasterKeyError, OSError) as error:
        _failed(error)


def _show(path: str, made: Manifest, *, json: bool) -> None:
    if json:
        echo(msgspec.json.encode(CopiedOutput(path, made.records, len(made.files))))
    else:
        echo(f"{path}: {made.records} records, {len(made.files)} files")


def _put_master(source: Path, folder: Path) -> None:
    """Copy the master key into the folder, which has none."""
    content = load_master(
        source.parent, {MASTER_KEY: read_secret(source.expanduser()).decode(errors="replace")}
    )
    private_folder(folder)
    handle = os.open(folder / key_file.FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(content.hex() + "\n")


def _check_master(folder: Path) -> None:
    """Say it where the keys cannot be used yet. Raises MasterKeyError where the key is another one."""
    if MASTER_KEY not in os.environ and not (folder / key_file.FILE).exists():
        echo(f"Before the start: put the master key into {folder / key_file.FILE}, or {MASTER_KEY}", err=True)
        return
    sealer = SecretSealer(load_master(folder, os.environ))
    if not verify_digest(backups.master_fingerprint(folder), sealer.fingerprint):
        raise MasterKeyError(
            f"{folder}: the keys were made with another master key; the server will not start"
        )


def _failed(error: Exception) -> NoReturn:
    fail(sentence(error), ExitCode.UNUSABLE)
