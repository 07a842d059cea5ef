"""Processor time and memory of a process, as the process itself sees them."""

from __future__ import annotations

import os
import time

import pytest

from floorwire.cli.load.process import Memory, NoSuchProcessError, cpu_seconds, resident_bytes

NO_PID = 2**22  # above the kernel's largest pid_max


def test_counts_our_own_processor_time() -> None:
    before = time.process_time()
    seen = cpu_seconds(os.getpid())
    assert before <= seen <= time.process_time()


def test_sees_memory_grow() -> None:
    before = resident_bytes(os.getpid())
    block = b"x" * 50_000_000
    memory = Memory.since(before, os.getpid(), connections=10)
    assert memory.after_bytes - before > 40_000_000 < len(block)
    assert memory.growth_per_connection == (memory.after_bytes - before) / 10


def test_growth_without_connections_is_all_growth() -> None:
    memory = Memory.since(0, os.getpid(), connections=0)
    assert memory.growth_per_connection == memory.after_bytes


def test_says_that_there_is_no_such_process() -> None:
    with pytest.raises(NoSuchProcessError, match=str(NO_PID)):
        cpu_seconds(NO_PID)
    with pytest.raises(NoSuchProcessError) as error:
        resident_bytes(NO_PID)
    assert error.value.pid == NO_PID
