"""``floorwire bench``: what it prints and how it ends."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import msgspec
import pytest
from typer.testing import CliRunner, Result

from floorwire.cli.bench import app
from floorwire.cli.load.connect import ConnectReport
from floorwire.cli.load.fanout import FanoutReport
from floorwire.cli.load.rtt import RttReport
from floorwire.cli.load.stall import StallReport
from tests.cli.load.fake_server import UNKNOWN, FakeServer, running

SHORT = ("--seconds", "0.2", "--warmup", "0", "--clients", "3")


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.slow
def test_each_run_prints_json() -> None:
    with running() as server:
        fanout = msgspec.json.decode(
            bench("fanout", server.url(), *SHORT, "--json").stdout, type=FanoutReport
        )
        stall = msgspec.json.decode(bench("stall", server.url(), *SHORT, "--json").stdout, type=StallReport)
        rtt = msgspec.json.decode(bench("rtt", server.url(), "--count", "9", "--json").stdout, type=RttReport)
        connect = msgspec.json.decode(
            bench("connect", server.url(), "--count", "3", "--json").stdout, type=ConnectReport
        )
    assert (fanout.opened, fanout.subscriptions) == (3, 1)
    assert stall.stalled.clients == 1
    assert (rtt.message, rtt.round_trips.count) == ("ping", 9)
    assert connect.completed == 3


@pytest.mark.slow
def test_each_run_prints_a_table() -> None:
    with running() as server:
        fanout = bench("fanout", server.url(), *SHORT, "--symbols", "BTC-USDT, ETH-USDT", "--each", "2")
        stall = bench("stall", server.url(), *SHORT, "--stalled", "2", "--on-slow", "skip")
        rtt = bench("rtt", server.url("/ws/echo"), "--count", "9")
        connect = bench("connect", server.url(), "--count", "3")
    assert [result.exit_code for result in (fanout, stall, rtt, connect)] == [0, 0, 0, 0]
    assert "3 of 3 clients x 2" in fanout.stdout
    assert "beside 2 stalled" in stall.stdout
    assert "rtt: echo" in rtt.stdout
    assert "until first event: p50" in connect.stdout


def test_a_run_that_loses_clients_fails() -> None:
    with running() as server:
        fanout = bench("fanout", server.url(), *SHORT, "--symbols", UNKNOWN)
        connect = bench("connect", server.url(), "--count", "2", "--symbols", UNKNOWN)
    assert fanout.exit_code == connect.exit_code == 1
    assert "error" in fanout.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("fanout", "ws://192.0.2.1/ws"), "--allow-remote"),
        (("fanout", "--symbols", " , "), "at least one symbol"),
        (("fanout", "--pid", "4194305"), "no process 4194305"),
        (("rtt", FakeServer().url()), "nothing listens"),
        (("fanout", "--clients", "20001"), "20000"),
        (("connect", "--seconds", "601"), "600"),
        (("stall", "--stalled", "1001"), "1000 "),
        (("rtt", "--count", "1000001"), "1000000"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(arguments: tuple[str, ...], why: str) -> None:
    result = bench(*arguments)
    assert result.exit_code == 2
    assert why in result.stderr


PROGRAM = """
import sys
from floorwire.cli import progress
progress.AFTER_S = 0.0
from floorwire.cli.bench import app
app(sys.argv[1:])
"""


def test_a_terminal_shows_that_it_works_and_for_how_long() -> None:
    ours, theirs = pty.openpty()
    with running() as server:
        command = [sys.executable, "-c", PROGRAM, "fanout", server.url(), *SHORT, "--json"]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        shown = b""
        while b"3 clients for 0.2 s, 0 s" not in shown:
            assert select.select([ours], [], [], 60)[0], shown
            shown += os.read(ours, 65_536)
        printed = process.communicate(timeout=60)[0]
    os.close(ours)
    assert process.returncode == 0
    assert msgspec.json.decode(printed, type=FanoutReport).opened == 3
