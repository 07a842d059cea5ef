from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from floorwire.storage.file_watch import FileWatch


def replace(path: Path) -> None:
    path.with_name("new").touch()
    path.with_name("new").replace(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("harm", [Path.unlink, replace, move])
@pytest.mark.parametrize("before", [False, True], ids=["after the start", "before the start"])
async def test_a_change_is_told_on_the_loop(
    tmp_path: Path, harm: Callable[[Path], None], before: bool
) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open("w") as held:  # as SQLite holds it
        watch, told = FileWatch([path]), asyncio.Event()
        if before:
            harm(path)
            watch.start(told.set)
        else:
            watch.start(told.set)
            held.write("a write is no change")
            held.flush()
            await asyncio.sleep(0.01)
            assert not told.is_set()
            harm(path)
        async with asyncio.timeout(20):
            await told.wait()
    watch.close()
    await asyncio.sleep(0)


async def test_what_cannot_be_watched_is_said(tmp_path: Path) -> None:
    with capture_logs() as logged:
        watch = FileWatch([tmp_path / "none"])
    assert [line["error"] for line in logged] == ["No such file or directory"]
    watch.start(lambda: None)
    watch.close()


def test_without_inotify_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    watch = FileWatch([tmp_path])
    asyncio.run(started(watch))
    watch.close()


async def started(watch: FileWatch) -> None:
    watch.start(lambda: None)


def test_it_closes_although_the_loop_is_closed(tmp_path: Path) -> None:
    watch = FileWatch([tmp_path])
    asyncio.run(started(watch))
    watch.close()
    watch.close()
