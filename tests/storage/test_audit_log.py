from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from floorwire.protocol.rate_limit import BURST_S
from floorwire.storage.audit_log import (
    QUEUE,
    REFUSALS_PER_SECOND,
    REFUSALS_PER_SECOND_IN_ALL,
    UNWRITTEN_FILE,
    AuditEntry,
    AuditLog,
    append,
)

NOW = 1_800_000_000_000_000
S = 1_000_000


def lines(path: Path) -> list[dict[str, str | int]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def written(log: AuditLog) -> None:
    """Run the log until it has nothing to do."""
    task = asyncio.create_task(log.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def sign_in(number: int = 0) -> AuditEntry:
    return AuditEntry(
        ts=NOW + number, event="sign_in", account="alice", key="k1", address="::1", how="bearer"
    )


async def test_one_line_for_each_entry(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.add(sign_in())
    log.add(AuditEntry(ts=NOW + 1, event="keys.create", account="root", key="k0", target="k2"))
    await written(log)
    assert lines(path) == [
        {"ts": NOW, "event": "sign_in", "account": "alice", "key": "k1", "address": "::1", "how": "bearer"},
        {"ts": NOW + 1, "event": "keys.create", "account": "root", "key": "k0", "target": "k2"},
    ]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_it_writes_while_it_runs_and_only_appends(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(path, [sign_in(0)])
    log = AuditLog(path)
    task = asyncio.create_task(log.run())
    for number in (1, 2):
        log.add(sign_in(number))
        while len(lines(path)) <= number:
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [line["ts"] for line in lines(path)] == [NOW, NOW + 1, NOW + 2]


async def test_a_flood_of_refusals_is_counted_not_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    burst = REFUSALS_PER_SECOND * BURST_S
    for _ in range(burst + 40):
        log.add(AuditEntry(ts=NOW, event="refused", address="192.0.2.1", code="bad_signature"))
    log.add(AuditEntry(ts=NOW, event="refused", address="192.0.2.2", code="bad_signature"))
    log.add(sign_in())
    await written(log)
    assert [line.get("left_out", 0) for line in lines(path)] == [0] * burst + [40, 0]


async def test_refusals_of_many_addresses_are_counted_together(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    burst = REFUSALS_PER_SECOND_IN_ALL * BURST_S
    for number in range(burst + 900):
        address = f"192.0.{number // 250}.{number % 250}"
        log.add(AuditEntry(ts=NOW, event="refused", address=address, code="bad_signature"))
    log.add(AuditEntry(ts=NOW, event="refused", account="alice", key="k1", address="::1", code="forbidden"))
    log.add(sign_in())
    await written(log)
    assert [line.get("left_out", 0) for line in lines(path)] == [0] * burst + [900, 0]
    assert log.dropped == 900


async def test_the_addresses_of_one_network_count_as_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(REFUSALS_PER_SECOND * BURST_S + 7):
        log.add(AuditEntry(ts=NOW, event="refused", address=f"2001:db8::{number:x}", code="bad_signature"))
    log.add(sign_in())
    await written(log)
    assert lines(path)[-1]["left_out"] == 7


async def test_the_count_of_many_strangers_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(REFUSALS_PER_SECOND_IN_ALL * BURST_S + 30):
        log.add(AuditEntry(ts=NOW, event="refused", address=f"192.0.2.{number}", code="bad_signature"))
    log.flush()
    assert AuditLog(path).dropped == 30


async def test_a_full_queue_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for number in range(QUEUE + 3):
        log.add(sign_in(number))
    await written(log)
    log.add(sign_in())
    await written(log)
    said = lines(path)
    assert len(said) == QUEUE + 1
    assert said[-1]["left_out"] == 3


@contextmanager
def room(path: Path, size: int) -> Iterator[None]:
    """Let the system refuse to make a file longer than the audit log is now, and so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def whole(path: Path) -> tuple[list[dict[str, str | int]], int]:
    """Return the lines that are JSON, and how many are not."""
    said, torn = [], 0
    for line in path.read_text().splitlines():
        try:
            said.append(json.loads(line))
        except ValueError:
            torn += 1
    return said, torn


LARGE = 100_000
"""The audit log is already as long as this, so that only it reaches the limit."""


def filled(path: Path) -> Path:
    """Write a log of one long line."""
    path.write_text(json.dumps({"ts": 1, "event": "filler", "reason": "x" * LARGE}) + "\n")
    return path


async def test_what_a_full_disk_did_not_take_is_written_when_there_is_room(tmp_path: Path) -> None:
    path = filled(tmp_path / "audit.jsonl")
    log = AuditLog(path)
    with room(path, 1_000):
        for number in range(120):
            log.add(sign_in(number))
            if number % 10 == 0:
                log.flush()
        log.flush()
        assert 100 < log.waiting < 120
    log.add(sign_in(120))
    log.flush()
    said, torn = whole(path)
    assert [line["ts"] for line in said[1:]] == [NOW + number for number in range(121)]
    assert [line.get("left_out", 0) for line in said] == [0] * 122
    assert torn == 1, "one line was cut off; the next began on a line of its own"


async def test_what_was_not_written_is_told_of_after_a_kill(tmp_path: Path) -> None:
    path = filled(tmp_path / "audit.jsonl")
    log = AuditLog(path)
    with room(path, 1_000):
        for number in range(QUEUE + 120):
            log.add(sign_in(number))
        log.flush()
    killed, _ = whole(path)
    again = AuditLog(path)
    again.add(sign_in())
    again.flush()
    said, _ = whole(path)
    assert len(said) == len(killed) + 1
    assert said[-1]["left_out"] == QUEUE + 120 - (len(killed) - 1)
    third = AuditLog(path)
    third.add(sign_in())
    third.flush()
    assert "left_out" not in whole(path)[0][-1], "told once"


async def test_a_flood_before_a_kill_is_told_of(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    burst = REFUSALS_PER_SECOND * BURST_S
    for _ in range(burst + 40):
        log.add(AuditEntry(ts=NOW, event="refused", address="192.0.2.1", code="bad_signature"))
    log.flush()
    again = AuditLog(tmp_path / "audit.jsonl")
    again.add(sign_in())
    again.flush()
    assert lines(tmp_path / "audit.jsonl")[-1]["left_out"] == 40


async def test_a_disk_that_fails_is_logged_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorwire.storage.audit_log.RETRY_S", 0.001)
    path = filled(tmp_path / "audit.jsonl")
    log = AuditLog(path)
    task = asyncio.create_task(log.run())
    with capture_logs() as logged:
        with room(path, 0):
            for number in range(5):
                log.add(sign_in(number))
                await asyncio.sleep(0.15)
        while log.waiting:
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [line["event"] for line in logged] == ["audit log not written", "audit log is written again"]
    assert len(whole(path)[0]) == 6


async def test_a_log_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.add(sign_in(1))
    log.flush()
    path.rename(tmp_path / "old")
    log.add(sign_in(2))
    log.flush()
    assert [line["ts"] for line in lines(tmp_path / "old")] == [NOW + 1]
    assert [line["ts"] for line in lines(path)] == [NOW + 2]


async def test_no_descriptor_is_needed_to_write(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.add(sign_in())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        log.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(lines(path)) == 1


def test_a_line_that_another_process_left_torn_is_not_joined(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"ts":18000')
    append(path, [sign_in()])
    assert path.read_bytes().splitlines()[0] == b'{"ts":18000'
    assert whole(path)[0][0]["ts"] == NOW


def test_a_damaged_count_is_said_and_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / UNWRITTEN_FILE).write_bytes(b"damaged" * 10)
    (tmp_path / UNWRITTEN_FILE).chmod(0o600)
    with capture_logs() as logged:
        AuditLog(tmp_path / "audit.jsonl")
    assert [line["event"] for line in logged] == ["how many lines the audit log lacks is not known"]


def test_what_a_client_chose_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    append(
        path, [AuditEntry(ts=NOW, event="refused", key="k" * 10_000, reason="r" * 10_000, address="::1\n")]
    )
    (line,) = lines(path)
    assert len(str(line["key"])) == len(str(line["reason"])) == 200


def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    append(tmp_path / "audit.jsonl", [])
    assert not list(tmp_path.iterdir())


def test_a_line_is_printable_whatever_a_client_chose(tmp_path: Path) -> None:
    text = "\x1b[2J \x9b \u202e \n"
    append(
        tmp_path / "audit.jsonl", [AuditEntry(ts=NOW, event="refused", key=text, reason=text, target=text)]
    )
    (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert line.isprintable()
    assert json.loads(line)["key"] == r"\x1b[2J \x9b \u202e \n"


async def test_a_pipe_in_its_place_is_not_waited_for_and_no_line_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    log.add(sign_in())
    await written(log)
    path.unlink()
    log.add(sign_in(1))
    await written(log)
    assert len(lines(path)) == 2
