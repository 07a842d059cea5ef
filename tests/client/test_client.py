"""The client over a transport in memory: what it sends, when, and what its callers see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
from msgspec import UNSET

from floorwire.client import (
    Client,
    ClientClosedError,
    ClosedForGoodError,
    OrderPhase,
    OrderRejectedError,
    OrdersSnapshot,
    OrderTerms,
    RequestRefusedError,
    StreamGap,
    UnreachableError,
)
from floorwire.client.gateway import Gateway
from floorwire.client.transport import HandshakeRefusedError
from floorwire.protocol.replies import (
    AllCancelled,
    Error,
    FillList,
    Gap,
    Guarded,
    OrderAcceptedReply,
    OrderError,
    OrderReply,
)
from floorwire.protocol.requests import Resume, Subscribe, Unsubscribe
from floorwire.protocol.trading_requests import (
    CancelOnDisconnect,
    Deadman,
    Fills,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    OrderStatus,
)
from tests.client.events import (
    book,
    fill_row,
    order_row,
    orders_snapshot,
    orders_update,
    subscribed,
    ticker,
    trade,
)
from tests.client.memory_transport import SERVER_US, MemoryLink, MemoryTransport, settled
from tests.skipping_loop import run


@asynccontextmanager
async def connected(**options: object) -> AsyncIterator[tuple[Client, MemoryTransport]]:
    """Run a client whose first connection is open."""
    transport = MemoryTransport()
    client = Client(
        "ws://localhost",
        key="k.s",
        encoding="json",
        transport=transport,
        random=Random(1),
        **options,  # type: ignore[arg-type]
    )
    async with client:
        yield client, transport


def reply_to(link: MemoryLink, number: int = -1) -> int | str:
    """Return the id of a request."""
    asked = link.sent[number].id
    assert asked is not UNSET
    return asked


def confirm(
    link: MemoryLink, channel: str, seq: int, epoch: str = "a", number: int = -1, gap: object = UNSET
) -> None:
    """Answer the subscription that was asked for last, or with this number."""
    import msgspec

    instrument = UNSET if channel in ("orders", "fills") else "BTC-USDT"
    reply = subscribed(channel, seq, epoch, gap, instrument)  # type: ignore[arg-type]
    link.tell(msgspec.structs.replace(reply, id=reply_to(link, number)))


async def next_of(stream: object) -> object:
    """Return the next item, within a time."""
    async with asyncio.timeout(5):
        return await anext(stream)  # type: ignore[call-overload]


async def test_a_stream_over_a_cut() -> None:
    async with connected() as (client, transport):
        stream = client.ticker("btcusdt")
        async with stream:
            link = await transport.link(0)
            assert link.headers == {"Authorization": "Bearer k.s"}
            assert link.sent == [Subscribe(id=1, channel="ticker", symbol="btcusdt", on_slow="conflate")]
            confirm(link, "ticker", 7)
            link.tell(ticker(7))
            assert await next_of(stream) == ticker(7)
            link.cut()
            link = await transport.link(1)
            assert link.sent[0].resume == Resume("a", 7)  # type: ignore[union-attr]
            confirm(link, "ticker", 9, gap=Gap(8, 8, "expired"))
            link.tell(ticker(9))
            assert await next_of(stream) == StreamGap("ticker", "BTC-USDT", "a", 8, 8, "expired")
            assert await next_of(stream) == ticker(9)
        await settled()
        assert isinstance(link.sent[-1], Unsubscribe)


async def test_two_readers_share_a_subscription() -> None:
    async with connected() as (client, transport):
        async with client.ticker("BTC-USDT") as first:
            link = await transport.link(0)
            confirm(link, "ticker", 1)
            link.tell(ticker(1))
            assert await next_of(first) == ticker(1)
            async with client.ticker("BTC-USDT") as second:
                assert await next_of(second) == ticker(1), "the state, though it came before"
                link.tell(ticker(2))
                assert [await next_of(first), await next_of(second)] == [ticker(2), ticker(2)]
            await settled()
            assert len(link.sent) == 1
        await settled()
        assert len(link.sent) == 2


async def test_two_spellings_of_a_symbol_disturb_each_other_in_nothing() -> None:
    async with connected() as (client, transport):
        async with client.ticker("BTC-USDT") as first, client.ticker("btcusdt") as second:
            link = await transport.link(0)
            confirm(link, "ticker", 1, number=0)
            link.tell(ticker(1))
            confirm(link, "ticker", 1, number=1)
            link.tell(ticker(1), ticker(2))
            for stream in (first, second):
                assert [await next_of(stream), await next_of(stream)] == [ticker(1), ticker(2)]
        await settled()
        assert [type(one) for one in link.sent] == [Subscribe, Subscribe, Unsubscribe], "the last one ends it"


async def test_a_book_is_kept_and_healed() -> None:
    async with connected() as (client, transport), client.book("BTC-USDT") as books:
        link = await transport.link(0)
        confirm(link, "book", 1)
        link.tell(book(1, (("10", "1"),)))
        first = await next_of(books)
        assert first.best_bid == ("10", "1")  # type: ignore[attr-defined]
        link.tell(book(2, (("11", "1"),), prev=1))  # the checksum is that of another book
        await settled()
        assert link.sent[-1].resume is UNSET  # type: ignore[union-attr]
        confirm(link, "book", 3)
        link.tell(book(3, (("12", "1"),)))
        assert await next_of(books) == StreamGap("book", "BTC-USDT", "a", 2, 2, "restarted")
        healed = await next_of(books)
        assert healed.bids == (("12", "1"),)  # type: ignore[attr-defined]


async def test_a_refused_subscription_ends_its_stream() -> None:
    async with connected() as (client, transport), client.ticker("NOPE") as stream:
        link = await transport.link(0)
        link.tell(Error(id=reply_to(link), code="unknown_symbol", message="none", retry=False))
        with pytest.raises(RequestRefusedError, match="unknown_symbol"):
            await next_of(stream)


async def test_a_subscription_that_may_work_later_is_asked_for_again() -> None:
    async with connected() as (client, transport), client.ticker("BTC-USDT") as stream:
        link = await transport.link(0)
        link.tell(Error(id=reply_to(link), code="rate_limited", message="", retry=True, retry_after_ms=20))
        while len(link.sent) < 2:
            await asyncio.sleep(0.005)
        confirm(link, "ticker", 1)
        link.tell(ticker(1))
        assert await next_of(stream) == ticker(1)


async def test_a_close_for_good_is_told_to_everybody() -> None:
    async with connected() as (client, transport), client.ticker("BTC-USDT") as stream:
        link = await transport.link(0)
        asking = asyncio.create_task(client.deadman(5))
        await settled()
        link.cut(4501, "key revoked")
        for waiting in (next_of(stream), asking):
            with pytest.raises(ClosedForGoodError, match="4501: key revoked"):
                await waiting
        with pytest.raises(ClosedForGoodError):
            await client.buy("BTC-USDT", "1", limit="1")
        await asyncio.sleep(0.05)
        assert len(transport.links) == 1


async def test_a_wrong_key_is_said_at_once() -> None:
    transport = MemoryTransport()
    transport.refusals = [HandshakeRefusedError(401, "the key is not good")]
    with pytest.raises(ClosedForGoodError, match="401: the key is not good"):
        async with Client("ws://localhost", encoding="json", transport=transport):
            pass
    assert transport.is_closed


async def test_a_gateway_that_does_not_answer_is_said_after_a_time() -> None:
    transport = MemoryTransport()
    transport.refusals = [HandshakeRefusedError(0, "nothing listens there") for _ in range(100)]
    with pytest.raises(UnreachableError, match=r"ws://localhost/ws: nothing listens there"):
        async with Client("ws://localhost", encoding="json", transport=transport, wait_s=0.05):
            pass


async def test_retry_after_is_waited_for() -> None:
    transport = MemoryTransport()
    transport.refusals = [HandshakeRefusedError(503, "busy", "1")]
    began = asyncio.get_running_loop().time()
    async with Client("ws://localhost", encoding="json", transport=transport):
        assert asyncio.get_running_loop().time() - began >= 1


def test_a_silent_connection_is_left() -> None:
    async def silent() -> None:
        async with connected() as (_, transport):
            first = await transport.link(0)
            first.answers_pings = False
            await transport.link(1)
            assert first.ended == "aborted"

    run(silent())


def test_a_reply_that_never_comes_ends_the_connection_and_is_asked_for_on_the_next() -> None:
    async def lost() -> None:
        async with connected() as (client, transport):
            asking = asyncio.create_task(client.cancel_all())
            first, second = await transport.link(0), await transport.link(1)
            assert first.ended == "aborted"
            assert [type(one) for one in second.sent] == [OrderCancelAll]
            second.tell(AllCancelled(id=reply_to(second), count=3, order_ids=[]))
            assert await asking == 3

    run(lost())


async def test_what_waits_when_the_client_is_closed_is_told() -> None:
    async with connected() as (client, _):
        stream = client.ticker("BTC-USDT")
        reading = asyncio.create_task(next_of(stream))
        asking = asyncio.create_task(client.cancel_all())
        order = client.place(OrderTerms(symbol="BTC-USDT", side="buy", quantity="1"))
        await settled()
    for waiting in (
        reading,
        asking,
        asyncio.create_task(order.accepted()),
        asyncio.create_task(order.done()),
    ):
        with pytest.raises(ClientClosedError):
            await waiting


async def test_greetings_and_guards() -> None:
    async with connected(cancel_on_disconnect_s=3) as (client, transport):
        link = await transport.link(0)
        assert link.sent == [CancelOnDisconnect(id=1, enabled=True, grace_s=3)]
        link.cut()
        link = await transport.link(1)
        assert [type(one) for one in link.sent] == [CancelOnDisconnect], "once on each connection"
        asking = asyncio.create_task(client.deadman(5))
        await settled()
        assert isinstance(link.sent[-1], Deadman)
        link.tell(Guarded(id=reply_to(link), timeout_s=5, cancels_at=77))
        assert await asking == 77


async def test_several_connections_share_the_market_data() -> None:
    async with connected(connections=2) as (client, transport):
        await transport.link(1)
        async with client.ticker("A-B"), client.ticker("C-D"), client.orders():
            await settled()
            asked = [[getattr(one, "channel", "") for one in link.sent] for link in transport.links]
            # The second for the reader: its snapshot comes when open_orders has these orders.
            assert asked == [["ticker", "orders", "orders"], ["ticker"]]


def test_options_that_cannot_be_used() -> None:
    with pytest.raises(ValueError, match="allow_plain"):
        Client("ws://example.org", key="k.s")
    Client("ws://example.org", key="k.s", allow_plain=True)
    Client("wss://example.org", key="k.s")
    with pytest.raises(ValueError, match="connections"):
        Client(connections=0)
    with pytest.raises(ValueError, match="nonsense"):
        Client("nonsense")
    with pytest.raises(ValueError, match="cannot be conflated"):
        Client().trades("BTC-USDT", on_slow="conflate")
    with pytest.raises(ValueError, match="example"):
        Client(others={"eu": Gateway("ws://example.org", key="k.s")})


# --- orders ---------------------------------------------------------------------------------------------


def place_in(link: MemoryLink) -> OrderPlace:
    """Return the order that was sent last."""
    place = [one for one in link.sent if isinstance(one, OrderPlace)][-1]
    assert isinstance(place, OrderPlace)
    return place


async def open_order(client: Client, link: MemoryLink) -> tuple[str, object]:
    """Place an order that is accepted; return its name and the order."""
    buying = asyncio.create_task(client.buy("BTC-USDT", Decimal("0.5"), limit="64000"))
    await settled()
    place = place_in(link)
    subscription = next(one for one in link.sent if isinstance(one, Subscribe))
    import msgspec

    link.tell(msgspec.structs.replace(subscribed("orders", 4, "j", instrument=UNSET), id=subscription.id))
    link.tell(orders_snapshot(4))
    link.tell(OrderAcceptedReply(id=place.id, order_id="11", client_order_id=place.client_order_id))
    return place.client_order_id, await buying


async def test_an_order_from_the_request_to_its_fills() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        name, order = await open_order(client, link)
        place = place_in(link)
        assert (place.type, place.quantity, place.price) == ("limit", "0.5", "64000")
        assert isinstance(place.deadline, int)
        assert 9_000_000 < place.deadline - SERVER_US < 11_000_000
        assert client.open_orders == [order]
        link.tell(
            orders_update(5, name),
            orders_update(6, name, "fill", "partially_filled", filled="0.2", fill="0.2"),
            orders_update(7, name, "fill", "filled", filled="0.5", fill="0.3"),
        )
        fills = await order.done()  # type: ignore[attr-defined]
        assert [fill.quantity for fill in fills] == ["0.2", "0.3"]
        assert order.phase is OrderPhase.CLOSED  # type: ignore[attr-defined]
        assert client.open_orders == []


async def test_an_order_whose_reply_is_lost_is_sent_again_and_is_one() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        buying = asyncio.create_task(client.buy("BTC-USDT", "1", spend=None))
        await settled()
        first = place_in(link)
        link.cut()
        link = await transport.link(1)
        again = place_in(link)
        assert (again.client_order_id, again.deadline) == (first.client_order_id, first.deadline)
        link.tell(
            OrderAcceptedReply(
                id=again.id, order_id="1", client_order_id=again.client_order_id, duplicate=True
            )
        )
        order = await buying
        assert order.order_id == "1"
        assert order.client_order_id == first.client_order_id


async def test_an_event_proves_an_order_whose_reply_is_lost() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        order = client.place(OrderTerms(symbol="BTC-USDT", side="sell", quantity="1", limit="5"))
        await settled()
        confirm(link, "orders", 4, "j", number=0)
        link.tell(orders_snapshot(4), orders_update(5, order.client_order_id))
        await order.accepted()
        assert order.phase is OrderPhase.OPEN


async def test_a_rejected_order_raises() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        buying = asyncio.create_task(client.buy("BTC-USDT", "1", limit="1", client_order_id="mine"))
        await settled()
        place = place_in(link)
        assert place.client_order_id == "mine"
        link.tell(
            OrderError(
                id=place.id,
                code="price_band",
                message="too far",
                retry=False,
                order="rejected",
                details={"limit": "2"},
            )
        )
        with pytest.raises(OrderRejectedError, match="price_band: too far") as raised:
            await buying
        assert raised.value.details == {"limit": "2"}
        assert client.open_orders == []


async def test_an_unclear_order_that_is_refused_is_sent_until_that_is_proven() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        buying = asyncio.create_task(client.buy("BTC-USDT", "1", limit="1"))
        await settled()
        link.cut()
        link = await transport.link(1)
        place = place_in(link)
        link.tell(OrderError(id=place.id, code="stale_market", message="", retry=True, order="rejected"))
        while len(link.sent) < 3:
            await asyncio.sleep(0.01)
        assert not buying.done()
        place = place_in(link)
        link.tell(OrderError(id=place.id, code="deadline_passed", message="", retry=False, order="rejected"))
        with pytest.raises(OrderRejectedError, match="deadline_passed"):
            await buying


async def test_amends_and_cancels() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        name, order = await open_order(client, link)
        for event in ("amended", "amend_refused"):
            amending = asyncio.create_task(order.amend(price=Decimal("64010.5")))  # type: ignore[attr-defined]
            await settled()
            assert isinstance(link.sent[-1], OrderAmend)
            assert link.sent[-1].price == "64010.5"
            link.tell(OrderAcceptedReply(id=reply_to(link), order_id="11", client_order_id=name))
            link.tell(orders_update(5 if event == "amended" else 6, name, event))
            if event == "amended":
                assert (await amending).client_order_id == name
            else:
                with pytest.raises(OrderRejectedError, match="the market refused"):
                    await amending
        cancelling = asyncio.create_task(order.cancel())  # type: ignore[attr-defined]
        await settled()
        assert isinstance(link.sent[-1], OrderCancel)
        link.tell(
            OrderError(id=reply_to(link), code="order_closed", message="", retry=False, order="rejected")
        )
        await cancelling
        link.tell(orders_update(7, name, "cancelled", "cancelled"))
        assert await order.done() == []  # type: ignore[attr-defined]
        await order.cancel()  # type: ignore[attr-defined]
        assert isinstance(link.sent[-1], OrderCancel)
        amended = [one for one in link.sent if isinstance(one, OrderCancel)]
        assert len(amended) == 1, "a closed order is not cancelled again"


async def test_an_amend_of_which_nobody_knows_is_sent_again() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        name, order = await open_order(client, link)
        amending = asyncio.create_task(order.amend(quantity=2))  # type: ignore[attr-defined]
        await settled()
        link.tell(OrderError(id=reply_to(link), code="internal", message="", retry=True, order="unknown"))
        count = len(link.sent)
        while len(link.sent) == count:
            await asyncio.sleep(0.02)
        link.tell(
            OrderError(id=reply_to(link), code="order_closed", message="", retry=False, order="rejected")
        )
        with pytest.raises(OrderRejectedError, match="order_closed"):
            await amending
        assert name


async def test_who_reads_orders_finds_those_of_before_among_the_open_ones() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        async with client.orders() as orders:
            await settled()
            for number in range(len(link.sent)):
                confirm(link, "orders", 0, number=number)
                link.tell(orders_snapshot(0, "of before"))
            assert isinstance(await next_of(orders), OrdersSnapshot)
            assert [one.client_order_id for one in client.open_orders] == ["of before"]


async def test_open_orders_are_found_and_those_gone_in_a_gap_are_asked_for() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        name, order = await open_order(client, link)
        link.tell(orders_update(5, name))
        await settled()
        link.cut()
        link = await transport.link(1)
        confirm(link, "orders", 2, "k", gap=Gap(1, 2, "epoch"))
        link.tell(orders_snapshot(2, "found", epoch="k"))
        await settled()
        assert [one.client_order_id for one in client.open_orders] == [name, "found"]
        assert isinstance(link.sent[-1], OrderStatus)
        link.tell(OrderReply(id=reply_to(link), order=order_row(name, "filled", "1", updated=9)))
        await settled()
        assert isinstance(link.sent[-1], Fills)
        fill = fill_row(name, 3, "1")
        import msgspec

        fill = msgspec.structs.replace(fill, order_id=order.order_id)  # type: ignore[attr-defined]
        link.tell(FillList(id=reply_to(link), fills=[fill, fill_row("other", 4, "1")]))
        assert await order.done() == [fill]  # type: ignore[attr-defined]


async def test_orders_of_a_key_that_may_only_trade() -> None:
    async with connected() as (client, transport):
        link = await transport.link(0)
        buying = asyncio.create_task(client.buy("BTC-USDT", "1", limit="1"))
        await settled()
        link.tell(Error(id=reply_to(link, 0), code="forbidden", message="orders needs account", retry=False))
        await settled()
        place = place_in(link)
        link.tell(OrderAcceptedReply(id=place.id, order_id="3", client_order_id=place.client_order_id))
        order = await buying
        with pytest.raises(RequestRefusedError, match="forbidden"):
            await order.done()


def test_amounts_are_exact() -> None:
    with pytest.raises(TypeError, match="float"):
        OrderTerms(symbol="A-B", side="buy", quantity=0.1).request("a", 0)  # type: ignore[arg-type]
    request = OrderTerms(symbol="A-B", side="buy", spend=Decimal("1E+2"), stop=5).request("a", 0)
    assert (request.quote_quantity, request.stop_price, request.type) == ("100", "5", "stop")
    assert OrderTerms(symbol="A-B", side="buy", quantity=1).request("a", 0).type == "market"
    assert OrderTerms(symbol="A-B", side="buy", quantity=1, limit=1, stop=2).type == "stop_limit"


async def test_a_second_reader_of_a_private_channel_gets_its_own_snapshot() -> None:
    async with connected() as (client, transport), client.orders() as first:
        link = await transport.link(0)
        confirm(link, "orders", 4, "j")
        link.tell(orders_snapshot(4, "a"))
        assert await next_of(first) == orders_snapshot(4, "a")
        async with client.orders() as second:
            await settled()
            link.tell(orders_update(5, "b"))
            confirm(link, "orders", 5, "j")
            link.tell(orders_snapshot(5, "a", "b"), orders_update(6, "c"))
            assert await next_of(first) == orders_update(5, "b")
            assert await next_of(first) == orders_update(6, "c")
            assert await next_of(second) == orders_snapshot(5, "a", "b")
            assert await next_of(second) == orders_update(6, "c")


async def test_a_hole_is_asked_for_once_a_second_at_most() -> None:
    async with connected() as (client, transport), client.trades("BTC-USDT") as stream:
        link = await transport.link(0)
        confirm(link, "trades", 0)
        for _ in range(2):
            link.tell(trade(5))
            await settled()
            confirm(link, "trades", 5)
            await settled()
        assert len([one for one in link.sent if isinstance(one, Subscribe)]) == 2
        assert stream
