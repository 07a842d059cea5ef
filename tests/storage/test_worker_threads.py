"""All worker threads exist from the start, or none is left waiting."""

from __future__ import annotations

import threading

import pytest

from floorwire.storage import worker_threads


def named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def test_all_threads_exist_before_there_is_work() -> None:
    with worker_threads.start("some-files", 3):
        assert len(named("some-files")) == 3
    assert not named("some-files")


def test_where_one_thread_cannot_be_started_the_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_two(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(OSError, match="no thread can be started for some-files"):
        worker_threads.start("some-files", 3)
    assert len(started) == 2
    assert not named("some-files")
