"""Resume over real sockets: across a lost connection, and across a restart."""

from __future__ import annotations

import signal

import msgspec
import pytest

from tests.clients import MSGPACK, Message, client
from tests.servers import Server, scripted
from tests.stream_checker import Gap

TRADES = {"channel": "trades", "symbol": "BTC-USDT"}


def place(subscribed: Message, last: Message) -> dict[str, object]:
    """Return what to resume with."""
    return {"epoch": subscribed["epoch"], "seq": last["seq"]}


def numbers(events: list[Message]) -> list[int]:
    """Return the seqs."""
    return [int(str(event["seq"])) for event in events]


@pytest.mark.parametrize("encoding", ["floorwire.v1.json", MSGPACK])
@pytest.mark.parametrize("channel", ["trades", "ticker", "book", "candles"])
def test_a_stream_goes_on_where_it_was(market: Server, encoding: str, channel: str) -> None:
    asked = {"channel": channel, "symbol": "BTC-USDT"}
    with client(market, "/ws", encoding) as before:
        reply = before.ask("subscribe", **asked)
        *_, last = before.events(5)
    with client(market, "/ws") as elsewhere:
        elsewhere.ask("subscribe", **asked)
        elsewhere.events(30)
    with client(market, "/ws", encoding) as after:
        again = after.ask("subscribe", **asked, resume=place(reply, last))
        assert again["epoch"] == reply["epoch"]
        assert "gap" not in again
        seqs = numbers(after.events(30))
        assert seqs == list(range(seqs[0], seqs[0] + 30))
        assert seqs[0] == int(str(last["seq"])) + 1


def test_what_is_no_longer_kept_is_a_gap() -> None:
    with scripted("resume.bytes=2000") as server:
        with client(server) as before:
            reply = before.ask("subscribe", **TRADES)
            (last,) = before.events(1)
            before.events(50)
        with client(server) as after:
            again = after.ask("subscribe", **TRADES, resume=place(reply, last))
            gap = msgspec.convert(again["gap"], Gap)
            (first,) = numbers(after.events(1))
            assert (gap.first, gap.reason) == (int(str(last["seq"])) + 1, "expired")
            assert first == gap.last + 1


def test_after_a_restart_the_epoch_is_another() -> None:
    with scripted() as server, client(server) as before:
        reply = before.ask("subscribe", channel="ticker", symbol="BTC-USDT")
        *_, last = before.events(5)
        server.signal(signal.SIGKILL)
        server.wait()
    with scripted() as server, client(server) as after:
        resume = place(reply, last)
        again = after.ask("subscribe", channel="ticker", symbol="BTC-USDT", resume=resume)
        gap = msgspec.convert(again["gap"], Gap)
        (first,) = numbers(after.events(1))
        assert again["epoch"] != reply["epoch"]
        assert (gap.first, gap.last, gap.reason) == (1, first - 1, "epoch")


def test_events_that_never_were_are_a_gap(market: Server) -> None:
    with client(market) as asking:
        reply = asking.ask("subscribe", **TRADES)
        asking.ask("unsubscribe", **TRADES)
        resume = {"epoch": reply["epoch"], "seq": int(str(reply["seq"])) + 1_000_000}
        gap = msgspec.convert(asking.ask("subscribe", **TRADES, resume=resume)["gap"], Gap)
        assert (gap.reason, gap.last) == ("ahead", resume["seq"])


def test_the_same_stream_twice_on_one_connection_is_one(market: Server) -> None:
    with client(market) as asking:
        reply = asking.ask("subscribe", **TRADES)
        events = asking.events(5)
        asking.ask("unsubscribe", **TRADES)
        *_, last = events + asking.pending_events()
        asking.ask("subscribe", **TRADES, resume=place(reply, last))
        seqs = numbers(asking.events(20))
        assert seqs == list(range(int(str(last["seq"])) + 1, int(str(last["seq"])) + 21))
