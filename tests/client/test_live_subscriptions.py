"""All symbols of a venue over a transport in memory: what the client sends, and what its reader sees."""

from __future__ import annotations

import pytest

from floorwire.client import RequestRefusedError, StreamGap
from floorwire.core.codes import Code
from floorwire.protocol.replies import Error, SubscribedAll
from floorwire.protocol.requests import Resume, Subscribe, Unsubscribe
from tests.client.events import book, ticker
from tests.client.memory_transport import MemoryLink, settled
from tests.client.test_client import confirm, connected, next_of, reply_to
from tests.client.test_venue_subscription import held, listed

BTC, ETH = "BTC-USDT", "ETH-USDT"


def confirm_all(
    link: MemoryLink, *symbols: str, seq: int = 1, channel: str = "ticker", epoch: str = "a"
) -> None:
    """Answer the last request, for all symbols."""
    rows = [held(symbol, seq, epoch, channel) for symbol in symbols]
    link.tell(SubscribedAll(id=reply_to(link), channel=channel, all=True, venue="sim", subscriptions=rows))


def kinds(link: MemoryLink) -> list[tuple[str, object]]:
    """Return what was sent: for each request its kind, and the symbol or ``all``."""
    sent = (one for one in link.sent if isinstance(one, Subscribe | Unsubscribe))
    return [(type(one).__name__, one.symbol or ("all" if one.all else "?")) for one in sent]


async def test_all_symbols_come_in_one_stream_and_new_ones_too() -> None:
    async with connected() as (client, transport):
        async with client.all_tickers("sim") as stream:
            link = await transport.link(0)
            assert link.sent == [Subscribe(id=1, channel="ticker", all=True, venue="sim", on_slow="conflate")]
            confirm_all(link, BTC)
            link.tell(ticker(1, symbol=BTC), listed(), ticker(5, symbol=ETH), ticker(2, symbol=BTC))
            for expected in (ticker(1, symbol=BTC), ticker(5, symbol=ETH), ticker(2, symbol=BTC)):
                assert await next_of(stream) == expected
            link.tell(listed(code="too_many_subscriptions"))
            gap = await next_of(stream)
            assert isinstance(gap, StreamGap)
            assert (gap.symbol, gap.reason) == (ETH, "too_many_subscriptions")
        await settled()
        assert link.sent[1:] == [Unsubscribe(id=2, channel="ticker", all=True, venue="sim")]


async def test_after_a_cut_each_symbol_is_resumed_and_then_all_are_asked_for() -> None:
    async with connected() as (client, transport), client.all_tickers() as stream:
        link = await transport.link(0)
        confirm_all(link, BTC, ETH)
        link.tell(ticker(1, symbol=BTC), ticker(1, symbol=ETH), ticker(2, symbol=ETH))
        for _ in range(3):
            await next_of(stream)
        link.cut()
        link = await transport.link(1)
        assert kinds(link) == [("Subscribe", BTC), ("Subscribe", ETH), ("Subscribe", "all")]
        assert [one.resume for one in link.sent[:2]] == [Resume("a", 1), Resume("a", 2)]  # type: ignore[union-attr]
        confirm(link, "ticker", 2, number=0)
        link.tell(ticker(2, symbol=BTC))
        confirm_all(link, BTC, ETH, "DOGE-USDT", seq=2)
        link.tell(ticker(2, symbol="DOGE-USDT"))
        assert await next_of(stream) == ticker(2, symbol=BTC)
        assert await next_of(stream) == ticker(2, symbol="DOGE-USDT"), "listed meanwhile"


async def test_a_symbol_that_is_gone_is_left_until_it_is_listed_again() -> None:
    async with connected() as (client, transport), client.all_tickers() as stream:
        link = await transport.link(0)
        confirm_all(link, ETH)
        link.tell(ticker(1, symbol=ETH))
        assert await next_of(stream) == ticker(1, symbol=ETH)
        link.cut()
        link = await transport.link(1)
        gone = Error(id=reply_to(link, 0), code=Code.UNKNOWN_SYMBOL, message="no", retry=False)
        link.tell(gone)
        confirm_all(link)
        await settled()
        assert kinds(link) == [("Subscribe", ETH), ("Subscribe", "all")], "it is not asked for again"
        link.tell(listed(epoch="b", seq=7), ticker(7, "b", symbol=ETH))
        assert await next_of(stream) == StreamGap("ticker", ETH, "b", 1, 6, "epoch")
        assert await next_of(stream) == ticker(7, "b", symbol=ETH)


async def test_a_stream_of_one_symbol_beside_it_is_not_disturbed() -> None:
    async with connected() as (client, transport), client.ticker(BTC) as one:
        link = await transport.link(0)
        confirm(link, "ticker", 1)
        link.tell(ticker(1))
        assert await next_of(one) == ticker(1)
        async with client.all_tickers() as stream:
            await settled()
            confirm_all(link, BTC, ETH)
            await settled()
            assert kinds(link) == [("Subscribe", BTC), ("Subscribe", "all"), ("Subscribe", BTC)]
            confirm(link, "ticker", 1)  # what was held has no first state by the request for all
            link.tell(ticker(1))
            assert await next_of(stream) == ticker(1)
            link.tell(ticker(2))
            assert [await next_of(one), await next_of(stream)] == [ticker(2), ticker(2)]
        await settled()
        assert kinds(link)[3:] == [("Unsubscribe", "all"), ("Subscribe", BTC)], "all ends this one, too"
        assert link.sent[-1].resume == Resume("a", 2)  # type: ignore[union-attr]
        confirm(link, "ticker", 2)
        link.tell(ticker(3))
        assert await next_of(one) == ticker(3)


async def test_when_it_ends_before_it_was_asked_for_the_resumed_symbols_end() -> None:
    async with connected() as (client, transport):
        async with client.all_tickers() as stream:
            link = await transport.link(0)
            confirm_all(link, BTC)
            link.tell(ticker(1))
            assert await next_of(stream) == ticker(1)
            link.cut()
            link = await transport.link(1)
            venue = next(iter(client._first.subscriptions._venues))
            venue.cut()  # as if the server had said: later
        await settled()
        assert kinds(link)[-1] == ("Unsubscribe", BTC)


async def test_books_of_all_symbols_are_kept_each_by_itself() -> None:
    async with connected() as (client, transport), client.all_books() as books:
        link = await transport.link(0)
        assert link.sent[0].depth == 10  # type: ignore[union-attr]
        confirm_all(link, BTC, channel="book")
        link.tell(book(1, (("10", "1"),)))
        first = await next_of(books)
        assert first.best_bid == ("10", "1")  # type: ignore[attr-defined]
        link.tell(book(3, (("11", "1"),), prev=2))
        await settled()
        assert kinds(link) == [("Subscribe", "all"), ("Subscribe", BTC)], "a wrong book begins anew"


async def test_a_refusal_ends_the_stream() -> None:
    async with connected() as (client, transport), client.all_tickers("nowhere") as stream:
        link = await transport.link(0)
        link.tell(Error(id=reply_to(link), code=Code.BAD_REQUEST, message="venue: there is no", retry=False))
        with pytest.raises(RequestRefusedError, match="there is no"):
            await next_of(stream)


async def test_if_one_symbol_is_refused_for_another_reason_all_end() -> None:
    async with connected() as (client, transport), client.all_tickers() as stream:
        link = await transport.link(0)
        confirm_all(link, BTC, ETH)
        link.tell(ticker(1))
        assert await next_of(stream) == ticker(1)
        link.cut()
        link = await transport.link(1)
        refusal = Error(id=reply_to(link, 0), code=Code.TOO_MANY_SUBSCRIPTIONS, message="full", retry=False)
        link.tell(refusal)
        with pytest.raises(RequestRefusedError, match="full"):
            await next_of(stream)
        await settled()
        assert kinds(link)[-1] == ("Unsubscribe", "all")
