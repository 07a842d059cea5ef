"""The four runs against the tiny server: what is counted is what was sent."""

from __future__ import annotations

import os

import pytest

from floorwire.cli.load import rtt
from floorwire.cli.load.connect import ConnectPlan, run_connect
from floorwire.cli.load.fanout import FanoutPlan, FanoutReport, run_fanout
from floorwire.cli.load.rtt import MESSAGES, Message, NoEchoError, RttPlan, run_rtt
from floorwire.cli.load.stall import StallPlan, run_stall
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target
from tests.cli.load.small_server import GAPPY, REPEATING, RUDE, SILENT, UNKNOWN, Tiny

GOOD = ("BTC-USDT", "ETH-USDT", "SOL-USDT")


def plan(tiny: Tiny, symbols: tuple[str, ...] = GOOD, clients: int = 6, path: str = "/ws") -> FanoutPlan:
    return FanoutPlan(
        target=Target.resolve(tiny.url(path)),
        subscription=SubscriptionPlan("ticker", symbols, each=1),
        clients=clients,
        seconds=0.3,
        warmup_s=0.1,
        sampled=3,
        at_once=4,
        seed=1,
        pid=os.getpid(),
    )


def fanned_out(tiny: Tiny, *symbols: str) -> FanoutReport:
    return run_fanout(plan(tiny, symbols))


def test_fanout_counts_what_is_received(tiny: Tiny) -> None:
    report = fanned_out(tiny, *GOOD)
    interval, heard = report.interval, report.interval.tally
    assert (report.opened, report.endings) == (6, {})
    assert interval.deliveries >= 6
    assert interval.received_bytes > 60 * interval.deliveries
    assert heard.checked > 0
    assert heard.missing == heard.repeated == 0
    assert interval.latency is not None
    assert interval.latency.count == heard.checked
    assert interval.latency.p50_us > 0
    assert interval.server_cpu_s is not None
    assert report.server_memory is not None
    assert tiny.pongs == 6
    assert len(set(tiny.peers)) == 6


def test_fanout_counts_missing_and_repeated_events(tiny: Tiny) -> None:
    gappy = fanned_out(tiny, GAPPY).interval.tally
    assert gappy.missing == 2 * gappy.checked
    repeating = fanned_out(tiny, REPEATING).interval.tally
    assert 0 < repeating.checked // 2 <= repeating.repeated


def test_fanout_says_how_clients_ended(tiny: Tiny) -> None:
    report = fanned_out(tiny, UNKNOWN)
    assert (report.opened, report.endings) == (0, {"error unknown_symbol": 6})
    assert fanned_out(tiny, RUDE).endings == {"close 4008": 6}


def test_fanout_reports_that_no_server_listens() -> None:
    report = run_fanout(plan(Tiny(), clients=2))
    assert report.opened == 0
    assert report.endings == {"Connection refused": 2}


def test_stall_does_not_disturb_the_other_clients(tiny: Tiny) -> None:
    subscription = SubscriptionPlan("ticker", GOOD, each=1)
    report = run_stall(StallPlan(plan(tiny), stalled=2, stalled_subscription=subscription, recovery_s=0.2))
    assert (report.opened, report.endings) == (6, {})
    assert min(each.deliveries for each in (report.before, report.during, report.after)) >= 6
    stalled = report.stalled
    assert stalled.clients == 2
    assert stalled.messages > 2
    assert stalled.received_bytes > 60 * stalled.messages
    assert stalled.tally.missing == stalled.tally.repeated == 0
    assert stalled.endings == {}
    assert report.during.server_resident_bytes is not None


def test_stall_says_how_the_stalled_ended(tiny: Tiny) -> None:
    subscription = SubscriptionPlan("ticker", (RUDE,), each=1)
    report = run_stall(StallPlan(plan(tiny), stalled=2, stalled_subscription=subscription, recovery_s=0.2))
    assert report.stalled.endings == {"close 4008": 2}
    assert report.endings == {}


@pytest.mark.parametrize(("path", "message"), [("/ws/echo", "echo"), ("/ws", "ping")])
def test_rtt_times_every_round_trip(tiny: Tiny, path: str, message: Message) -> None:
    target = Target.resolve(tiny.url(path))
    report = run_rtt(RttPlan(target, message, count=50, warmup=10, seconds=30))
    assert report.message_bytes == len(MESSAGES[message])
    assert report.round_trips.count == 50
    assert 0 < report.round_trips.p50_us <= report.round_trips.max_us


def test_rtt_stops_in_time(tiny: Tiny) -> None:
    target = Target.resolve(tiny.url("/ws/echo"))
    report = run_rtt(RttPlan(target, "echo", count=1_000_000, warmup=0, seconds=0.1))
    assert 0 < report.round_trips.count < 1_000_000


def test_rtt_checks_the_answer(tiny: Tiny) -> None:
    target = Target.resolve(tiny.url("/ws/echo"))
    with pytest.raises(NoEchoError, match="ping was answered with"):
        run_rtt(RttPlan(target, "ping", count=1, warmup=0, seconds=1))


def test_rtt_does_not_wait_for_ever(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtt, "ANSWER_S", 0.05)
    target = Target.resolve(tiny.url("/ws/mute"))
    with pytest.raises(NoEchoError, match="no answer"):
        run_rtt(RttPlan(target, "echo", count=1, warmup=0, seconds=1))


def connect_plan(tiny: Tiny, symbol: str, seconds: float) -> ConnectPlan:
    return ConnectPlan(
        target=Target.resolve(tiny.url()),
        subscription=SubscriptionPlan("ticker", (symbol,), each=1),
        count=20,
        at_once=5,
        seconds=seconds,
        seed=1,
        pid=os.getpid(),
    )


def test_connect_completes_every_client(tiny: Tiny) -> None:
    report = run_connect(connect_plan(tiny, "BTC-USDT", seconds=30))
    assert (report.completed, report.failures) == (20, {})
    assert report.until_subscribed is not None
    assert report.until_first_event is not None
    assert report.until_first_event.count == report.until_subscribed.count == 20
    assert report.server_us_per_client is not None
    assert report.server_us_per_client > 0
    assert set(tiny.close_codes) == {1000}


def test_connect_counts_failures(tiny: Tiny) -> None:
    assert run_connect(connect_plan(tiny, UNKNOWN, seconds=30)).failures == {"error unknown_symbol": 20}
    late = run_connect(connect_plan(tiny, SILENT, seconds=0.3))
    assert (late.completed, late.failures) == (0, {"not through in time": 5})
