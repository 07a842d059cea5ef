"""An operator under test: a server over a data folder, an admin's key in a file, and the commands."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import Trader, key

ROOM_BYTES = 65_536
HIDDEN = ("FLOORWIRE_URL", "FLOORWIRE_KEY", "FLOORWIRE_KEY_FILE", "FLOORWIRE_CA")


def key_file(folder: Path, name: str = "ops", scopes: tuple[Scope, ...] = (Scope.ADMIN,)) -> Path:
    """Return a file with a new key of the data folder."""
    return written(folder.with_name(f"{folder.name}-{name}.key"), key(folder, name, scopes, money={}))


def written(path: Path, issued: Issued, mode: int = 0o600) -> Path:
    """Write the key into the file."""
    path.touch(mode)
    path.write_text(f"{issued.key}.{issued.secret}\n")
    return path


def operate(url: str, file: Path, *arguments: str, code: int = 0) -> Result:
    """Run a command against the server; it has to end with this code."""
    with pytest.MonkeyPatch.context() as patch:
        for name in HIDDEN:
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "200")
        given = [*arguments, "--url", url, "--key-file", os.fspath(file)]
        result = CliRunner().invoke(application(), given, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


async def write_much(client: Trader, name: str) -> None:
    """Have the server's journal grow beyond what ``disk_full`` leaves it."""
    for number in range(12):  # each commit is two pages of 4 KiB or more
        assert (await client.place(f"{name}-{number}"))["status"] == "accepted"
        await client.ask("order.cancel_all")


@contextmanager
def disk_full(server: Server) -> Iterator[None]:
    """Let the system refuse to make any file of the server longer, its log's few lines excepted."""
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
