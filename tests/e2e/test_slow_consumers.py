"""Slow consumers: each gets what its contract says, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from floorwire.core.codes import CloseCode
from tests.clients import Message, RawClient, client, raw
from tests.servers import Server, eventually, metrics, scripted
from tests.stream_checker import Gap, Stream, StreamName

SMALL_BYTES = 4_096
SETTINGS = (
    "outbox.bytes=20000",
    f"outbox.kernel_bytes={SMALL_BYTES}",
    "resume.bytes=100000",
    "ping.interval_s=600",  # who reads nothing answers no ping either: that is not looked at here
)
BTC = "BTC-USDT"


@pytest.fixture(scope="module")
def rapids() -> Iterator[Server]:
    """A gateway whose market moves a thousand times a second, with little room for who is slow."""
    with scripted(*SETTINGS, per_second=1_000) as server:
        with client(server) as early:
            early.ask("subscribe", channel="ticker", symbol=BTC)
            early.events(3)  # its prices count up from its first move on
        yield server


def followed(peer: RawClient, channel: str, **options: object) -> Stream:
    """Subscribe; return the stream as it begins."""
    peer.ask("subscribe", channel=channel, symbol=BTC, id=1, **options)
    reply = peer.message()
    assert reply["status"] == "subscribed", reply
    assert isinstance(reply["epoch"], str)
    assert isinstance(reply["seq"], int)
    option = reply.get("depth")
    assert isinstance(option, int | None)
    return Stream(StreamName(channel, BTC, option), reply["epoch"], reply["seq"])


def let_pass(server: Server, channel: str, count: int = 1_000) -> None:
    """Return when another client has read many times what may wait for a slow one."""
    with client(server) as other:
        other.ask("subscribe", channel=channel, symbol=BTC)
        other.events(count)


def read_until(peer: RawClient, stream: Stream, reason: str) -> Message:
    """Follow the stream until it announces that something was left out; return that message."""
    while not any(gap.reason == reason for gap in stream.announcements):
        message = peer.message()
        stream.add(message)
    return message


def test_conflate_means_the_latest_and_how_many_it_stands_for(rapids: Server) -> None:
    with raw(rapids, receive_buffer=SMALL_BYTES) as slow:
        stream = followed(slow, "ticker")
        let_pass(rapids, "ticker")
        latest = read_until(slow, stream, "conflated")
        assert isinstance(latest["conflated"], int)
        assert latest["conflated"] > 100
        stream.check()
        bids = [event["bid"] for event in stream.received.values()]
        assert bids == sorted(bids, key=lambda bid: int(str(bid))), "never an old value after a newer one"


def test_a_conflated_book_restarts_from_a_snapshot(rapids: Server) -> None:
    with raw(rapids, receive_buffer=SMALL_BYTES) as slow:
        stream = followed(slow, "book", depth=5)
        let_pass(rapids, "book")
        assert read_until(slow, stream, "conflated")["type"] == "snapshot"
        update = slow.message()
        assert (update["type"], update["prev"]) == ("update", stream.last)


def test_skip_means_a_gap_in_their_place(rapids: Server) -> None:
    with raw(rapids, receive_buffer=SMALL_BYTES) as slow:
        stream = followed(slow, "trades")
        let_pass(rapids, "trades")
        read_until(slow, stream, "slow")
        stream.add(slow.message())
        stream.check()
        offsets = {int(str(event["trade_id"])) - seq for seq, event in stream.received.items()}
        assert len(offsets) == 1, "the trades that came are those their seqs say"


def test_being_slow_is_told_on_the_system_channel(rapids: Server) -> None:
    with raw(rapids, receive_buffer=SMALL_BYTES) as slow:
        slow.ask("subscribe", channel="system")
        slow.ask("subscribe", channel="ticker", symbol=BTC)
        assert [slow.message()["status"] for _ in range(2)] == ["subscribed"] * 2
        let_pass(rapids, "ticker")
        while (message := slow.message()).get("event") != "slow":
            pass
        assert message["channel"] == "system"
        assert message["streams"] == 1


def test_disconnect_means_a_close_that_says_so(rapids: Server) -> None:
    with raw(rapids, receive_buffer=SMALL_BYTES) as slow:
        stream = followed(slow, "trades", on_slow="disconnect")
        let_pass(rapids, "trades", 400)  # some 250 fit; the close frame waits for a few seconds only
        frames, code = slow.until_close()
        assert code == CloseCode.SLOW_CONSUMER
        for each in frames:
            stream.add(msgspec.json.decode(each.payload))
        assert not stream.missed, "up to then it got everything"
    with client(rapids) as again:
        resume = {"epoch": stream.epoch, "seq": stream.last}
        reply = again.ask("subscribe", channel="trades", symbol=BTC, resume=resume)
        if "gap" in reply:
            stream.add_gap(msgspec.convert(reply["gap"], Gap))
        for event in again.events(10):
            stream.add(event)
        stream.check()


def test_who_never_reads_again_is_ended(rapids: Server) -> None:
    assert eventually(lambda: metrics(rapids)["floorwire_connections"] == 0), (
        "those of earlier tests are gone"
    )
    idle = rapids.sockets()
    with raw(rapids, receive_buffer=SMALL_BYTES) as stuck:
        followed(stuck, "trades", on_slow="disconnect")
        before = metrics(rapids).get('floorwire_closes_total{code="4008"}', 0)
        assert eventually(lambda: metrics(rapids).get('floorwire_closes_total{code="4008"}', 0) > before)
        assert eventually(lambda: rapids.sockets() <= idle), "and its socket with it"


def test_who_is_slow_costs_others_nothing_and_the_server_little() -> None:
    with scripted("resume.bytes=100000", per_second=1_000) as server, client(server) as other:
        other.ask("subscribe", channel="trades", symbol=BTC)
        other.events(100)
        stuck = [RawClient(server, SMALL_BYTES) for _ in range(20)]
        for each in stuck:
            assert each.handshake()[0] == 101
            for symbol in (BTC, "ETH-USDT", "DOGE-USDT"):
                each.ask("subscribe", channel="book", symbol=symbol)
        other.events(500)
        before = server.resident_bytes()
        seqs = [event["seq"] for event in other.events(1_000)]
        assert seqs == list(range(int(str(seqs[0])), int(str(seqs[0])) + 1_000))
        # Half a megabyte each in the outbox, a turn's chunk, and what the allocator keeps.
        assert server.resident_bytes() - before < 40_000_000
        for each in stuck:
            each.socket.close()
