from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from floorwire.protocol.rate_limit import BURST_S
from floorwire.storage.audit_log import (
    QUEUE,
    REFUSALS_PER_SECOND,
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


async def test_a_disk_that_fails_is_counted_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "later" / "audit.jsonl"
    log = AuditLog(path)
    log.add(sign_in())
    await written(log)
    path.parent.mkdir()
    log.add(sign_in())
    await written(log)
    assert [line["left_out"] for line in lines(path)] == [1]


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
