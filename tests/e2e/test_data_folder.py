"""One server at a time uses a data folder, and a folder of another version is refused."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.storage import database, journal_file
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.forked_python import run
from tests.servers import STOPS_WITHIN_S, forked, running
from tests.trading.trader import key

SERVE = ["-m", "floorwire", "serve", "--port", "0", "--data"]


@pytest.mark.parametrize("journal", ["sqlite", pytest.param("memory", marks=pytest.mark.slow)])
def test_a_second_server_on_a_folder_ends_with_the_reason(tmp_path: Path, journal: str) -> None:
    command = [*SERVE, str(tmp_path), "--set", f"journal={journal}"]
    with running([sys.executable, *command]) as first:
        second = run(*command)
        assert second.returncode == 2
        assert f"another server uses this folder (process {first.process.pid})" in second.stderr
        assert "Traceback" not in second.stderr
        assert "open" not in second.stdout
        first.process.kill()
        first.wait()
        with forked(*command) as third:
            assert "orders are refused" not in third.log


@pytest.mark.slow
def test_two_workers_of_another_server_are_refused(tmp_path: Path) -> None:
    """They would be two markets: each has its own book, hub and accounts."""
    command = ["-m", "uvicorn", "--factory", "floorwire.web:create_app", "--port", "0", "--workers", "2"]
    variables = {**os.environ, "FLOORWIRE_DATA": str(tmp_path), "FLOORWIRE_JOURNAL": "memory"}
    server = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, check=False, timeout=STOPS_WITHIN_S, env=variables,
    )  # fmt: skip
    assert "another server uses this folder" in server.stderr, "and it ended: uvicorn stops all workers then"
    assert "another folder: --data, or FLOORWIRE_DATA" in server.stderr


@pytest.mark.parametrize("file", [journal_file.FILE, database.FILE])
@pytest.mark.parametrize("version", [9, -1], ids=["newer", "older"])
def test_a_folder_of_another_version_ends_with_the_reason(tmp_path: Path, file: str, version: int) -> None:
    key(tmp_path)
    SqliteJournal(tmp_path, 1).close()
    with closing(sqlite3.connect(tmp_path / file)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    before = (tmp_path / file).read_bytes()
    server = run(*SERVE, str(tmp_path))
    assert server.returncode == 2
    assert f"another version of Floorwire: {version}" in server.stderr
    assert file in server.stderr
    assert "Traceback" not in server.stderr
    assert (tmp_path / file).read_bytes() == before, "nothing is changed"
