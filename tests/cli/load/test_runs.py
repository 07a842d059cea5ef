"""The four runs against the fake server: what is counted is what was sent."""

from __future__ import annotations

import os

import pytest

from floorwire.cli.load import rtt
from floorwire.cli.load.connect import ConnectPlan, run_connect
from floorwire.cli.load.fanout import FanoutPlan, FanoutReport, run_fanout
from floorwire.cli.load.rtt import MESSAGES, MessageKind, NoEchoError, RttPlan, run_rtt
from floorwire.cli.load.stall import StallPlan, run_stall
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target
from tests.cli.load.fake_server import CLOSING, GAPPY, REPEATING, SILENT, UNKNOWN, FakeServer

GOOD = ("BTC-USDT", "ETH-USDT", "SOL-USDT")


def plan(
    server: FakeServer, symbols: tuple[str, ...] = GOOD, clients: int = 6, path: str = "/ws"
) -> FanoutPlan:
    return FanoutPlan(
        target=Target.resolve(server.url(path)),
        subscription=SubscriptionPlan("ticker", symbols, each=1),
        clients=clients,
        seconds=0.3,
        warmup_s=0.1,
        sampled=3,
        at_once=4,
        seed=1,
        pid=os.getpid(),
    )


def fanout_report(server: FakeServer, *symbols: str) -> FanoutReport:
    return run_fanout(plan(server, symbols))


def test_fanout_counts_what_is_received(server: FakeServer) -> None:
    report = fanout_report(server, *GOOD)
    interval, tally = report.interval, report.interval.tally
    assert (report.opened, report.endings) == (6, {})
    assert interval.deliveries >= 6
    assert interval.received_bytes > 60 * interval.deliveries
    assert tally.checked > 0
    assert tally.missing == tally.repeated == 0
    assert interval.latency is not None
    assert interval.latency.count == tally.checked
    assert interval.latency.p50_us > 0
    assert interval.server_cpu_s is not None
    assert report.server_memory is not None
    assert server.pongs == 6
    assert len(set(server.peers)) == 6


def test_fanout_counts_missing_and_repeated_events(server: FakeServer) -> None:
    gappy = fanout_report(server, GAPPY).interval.tally
    assert gappy.missing == 2 * gappy.checked
    repeating = fanout_report(server, REPEATING).interval.tally
    assert 0 < repeating.checked // 2 <= repeating.repeated


def test_fanout_says_how_clients_ended(server: FakeServer) -> None:
    report = fanout_report(server, UNKNOWN)
    assert (report.opened, report.endings) == (0, {"error unknown_symbol": 6})
    assert fanout_report(server, CLOSING).endings == {"close 4008": 6}


def test_fanout_reports_that_no_server_listens() -> None:
    report = run_fanout(plan(FakeServer(), clients=2))
    assert report.opened == 0
    assert report.endings == {"Connection refused": 2}


def test_stall_does_not_disturb_the_other_clients(server: FakeServer) -> None:
    subscription = SubscriptionPlan("ticker", GOOD, each=1)
    report = run_stall(StallPlan(plan(server), stalled=2, stalled_subscription=subscription, recovery_s=0.2))
    assert (report.opened, report.endings) == (6, {})
    assert min(each.deliveries for each in (report.before, report.during, report.after)) >= 6
    stalled = report.stalled
    assert stalled.clients == 2
    assert stalled.messages > 2
    assert stalled.received_bytes > 60 * stalled.messages
    assert stalled.tally.missing == stalled.tally.repeated == 0
    assert stalled.endings == {}
    assert report.during.server_resident_bytes is not None


def test_stall_says_how_the_stalled_ended(server: FakeServer) -> None:
    subscription = SubscriptionPlan("ticker", (CLOSING,), each=1)
    report = run_stall(StallPlan(plan(server), stalled=2, stalled_subscription=subscription, recovery_s=0.2))
    assert report.stalled.endings == {"close 4008": 2}
    assert report.endings == {}


@pytest.mark.parametrize(("path", "message"), [("/ws/echo", "echo"), ("/ws", "ping")])
def test_rtt_times_every_round_trip(server: FakeServer, path: str, message: MessageKind) -> None:
    target = Target.resolve(server.url(path))
    report = run_rtt(RttPlan(target, message, count=50, warmup=10, seconds=30))
    assert report.message_bytes == len(MESSAGES[message])
    assert report.round_trips.count == 50
    assert 0 < report.round_trips.p50_us <= report.round_trips.max_us


def test_rtt_stops_in_time(server: FakeServer) -> None:
    target = Target.resolve(server.url("/ws/echo"))
    report = run_rtt(RttPlan(target, "echo", count=1_000_000, warmup=0, seconds=0.1))
    assert 0 < report.round_trips.count < 1_000_000


def test_rtt_checks_the_answer(server: FakeServer) -> None:
    target = Target.resolve(server.url("/ws/echo"))
    with pytest.raises(NoEchoError, match="ping was answered with"):
        run_rtt(RttPlan(target, "ping", count=1, warmup=0, seconds=1))


def test_rtt_does_not_wait_for_ever(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtt, "ANSWER_S", 0.05)
    target = Target.resolve(server.url("/ws/mute"))
    with pytest.raises(NoEchoError, match="no answer"):
        run_rtt(RttPlan(target, "echo", count=1, warmup=0, seconds=1))


def connect_plan(server: FakeServer, symbol: str, seconds: float) -> ConnectPlan:
    return ConnectPlan(
        target=Target.resolve(server.url()),
        subscription=SubscriptionPlan("ticker", (symbol,), each=1),
        count=20,
        at_once=5,
        seconds=seconds,
        seed=1,
        pid=os.getpid(),
    )


def test_connect_completes_every_client(server: FakeServer) -> None:
    report = run_connect(connect_plan(server, "BTC-USDT", seconds=30))
    assert (report.completed, report.failures) == (20, {})
    assert report.until_subscribed is not None
    assert report.until_first_event is not None
    assert report.until_first_event.count == report.until_subscribed.count == 20
    assert report.server_us_per_client is not None
    assert report.server_us_per_client > 0
    assert set(server.close_codes) == {1000}


def test_connect_counts_failures(server: FakeServer) -> None:
    assert run_connect(connect_plan(server, UNKNOWN, seconds=30)).failures == {"error unknown_symbol": 20}
    late = run_connect(connect_plan(server, SILENT, seconds=0.3))
    assert (late.completed, late.failures) == (0, {"not through in time": 5})
