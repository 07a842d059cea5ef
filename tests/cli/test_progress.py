"""Progress: on a terminal only, from the first second on, and gone at the end."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest
from rich.text import Text

from floorwire.cli.progress import COUNTED_EACH, Progress, progress

PROGRAM = """
import sys
from floorwire.cli import progress
progress.AFTER_S = float(sys.argv[1])
with progress.progress("copying [x]") as shown:
    shown.tell("7 rows")
    sys.stdin.readline()
"""
PATIENCE_S = 60


def start(terminal: int, after_s: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, after_s]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=terminal)


def test_a_terminal_shows_what_takes_long() -> None:
    ours, theirs = pty.openpty()
    process = start(theirs, "0")
    os.close(theirs)
    shown = b""
    while b"copying [x], 7 rows, 0 s" not in shown:
        assert select.select([ours], [], [], PATIENCE_S)[0], shown
        shown += os.read(ours, 65_536)
    process.communicate(b"\n", timeout=PATIENCE_S)
    os.close(ours)
    assert process.returncode == 0


def test_what_is_quick_shows_nothing() -> None:
    ours, theirs = pty.openpty()
    process = start(theirs, "3600")
    process.communicate(b"\n", timeout=PATIENCE_S)
    assert not select.select([ours], [], [], 0)[0]
    os.close(ours)
    os.close(theirs)


def test_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorwire.cli.progress.AFTER_S", 0.0)
    with progress("copying") as shown:
        assert list(shown.counted(range(3), "rows")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_counts_are_told_now_and_then() -> None:
    shown = Progress("copying")
    for _ in shown.counted(range(2 * COUNTED_EACH), "rows"):
        pass
    assert f"copying, {2 * COUNTED_EACH} rows" in Text.from_markup(shown.__rich__()).plain
