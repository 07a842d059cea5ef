"""The gateway's WebSocket against the Autobahn TestSuite 0.8.2: no case may fail."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .autobahn import WSTEST, Report, describe, fuzz
from .servers import free_port, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not WSTEST.exists(), reason="no Autobahn TestSuite: make conformance installs it, given a Python 2.7"
    ),
]

RULES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
"""Frames, pings, opcodes, fragments, UTF-8, closing. Not 12 and 13: compression is not offered."""
RULES_COUNT = 247
SIZES = ("9.*",)
"""Messages of up to 16 MiB, whole, in fragments, and in small writes."""
SIZES_COUNT = 54

LARGEST_BYTES = 16 * 1024 * 1024


def gateway(folder: Path, port: int) -> Sequence[str]:
    settings = [f"limits.message_bytes={LARGEST_BYTES}", f"outbox.bytes={2 * LARGEST_BYTES}"]
    sets = [word for setting in settings for word in ("--set", setting)]
    command = ["-m", "floorwire", "serve", "--echo", "--port", str(port), "--data", str(folder / "data")]
    return [sys.executable, *command, *sets]


def passes(report: Report, count: int, folder: Path) -> None:
    """Require all cases, and none failed; print what is allowed but not plainly right."""
    failed = {case: outcome for case, outcome in report.items() if not outcome.passed}
    print(describe({case: outcome for case, outcome in report.items() if not outcome.plain}))
    assert not failed, f"{len(failed)} of {len(report)} failed; see {folder}/index.html\n{describe(failed)}"
    assert len(report) == count


def test_the_gateway_keeps_the_rules_of_the_wire(tmp_path: Path) -> None:
    port = free_port()
    with serving(gateway(tmp_path, port), port, tmp_path / "log"):
        report = fuzz(f"ws://127.0.0.1:{port}/ws/echo", RULES, tmp_path)
    passes(report, RULES_COUNT, tmp_path)


def test_the_gateway_carries_messages_of_any_size(tmp_path: Path) -> None:
    port = free_port()
    with serving(gateway(tmp_path, port), port, tmp_path / "log"):
        report = fuzz(f"ws://127.0.0.1:{port}/ws/echo", SIZES, tmp_path)
    passes(report, SIZES_COUNT, tmp_path)


def test_bare_picows_is_found_wanting(tmp_path: Path) -> None:
    port = free_port()
    bare = [sys.executable, str(Path(__file__).with_name("bare.py")), str(port)]
    with serving(bare, port, tmp_path / "log"):
        report = fuzz(f"ws://127.0.0.1:{port}/", RULES, tmp_path)
    failed = {case for case, outcome in report.items() if not outcome.passed}
    print(f"{len(failed)} of {len(report)} failed")
    # A reserved bit, a continuation of nothing, text that is not UTF-8, a close code that is never sent.
    assert {"3.1", "5.18", "6.3.1", "7.9.5"} <= failed
    assert len(report) == RULES_COUNT
