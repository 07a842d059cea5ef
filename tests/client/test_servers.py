"""The client against real servers: over sockets, in this process, and without ``await``."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from floorwire.app import Gateway as ServerGateway
from floorwire.client import (
    Book,
    CandleHistory,
    Candles,
    Client,
    ClosedForGoodError,
    Gateway,
    OrderPhase,
    OrderRejectedError,
    OrdersSnapshot,
    RequestRefusedError,
    StreamGap,
    Ticker,
    TradeHistory,
    Trades,
    UnreachableError,
)
from floorwire.client.blocking import BlockingClient
from floorwire.client.gateway import Encoding
from floorwire.client.testing import InProcessClient
from floorwire.config import HistorySettings, Settings
from floorwire.connectors import venue_registry
from floorwire.storage.key_store import Issued
from floorwire.web import create_app
from tests.client.faulty_proxy import faulty_proxy
from tests.scripted import SYMBOLS, Scripted
from tests.servers import Server, eventually, metrics, scripted
from tests.trading.trader import key, serving

PATIENCE_S = 30
SEED = 7
FAR_BELOW = "1000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sdk")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder) as server:
        yield server


def bearer(issued: Issued) -> str:
    return f"{issued.key}.{issued.secret}"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_every_market_channel(server: Server, encoding: Encoding) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws(), encoding=encoding) as fw:
        assert isinstance(await anext(fw.ticker("btcusdt")), Ticker)
        books = fw.book("BTC-USDT", depth=5)
        for _ in range(3):
            book = await anext(books)
            assert isinstance(book, Book)
            assert 0 < len(book.bids) <= 5
        assert isinstance(await anext(fw.trades("BTC-USDT")), Trades)
        candles = fw.candles("BTC-USDT", "1s", history=5)
        assert isinstance(await anext(candles), CandleHistory)
        assert isinstance(await anext(candles), Candles)
        beat = await anext(fw.heartbeat())
        assert not isinstance(beat, StreamGap)


async def test_each_reader_of_trades_gets_its_own_rows_of_the_past(server: Server) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws()) as fw:
        one, other = fw.trades("BTC-USDT"), fw.trades("BTC-USDT", history=4)
        assert {type(await anext(one)) for _ in range(5)} == {Trades}
        past = await anext(other)
        assert isinstance(past, TradeHistory)
        assert len(past.trades) == 4
        for seq in range(past.seq + 1, past.seq + 4):
            trade = await anext(other)
            assert isinstance(trade, Trades)
            assert trade.seq == seq
        assert {type(await anext(one)) for _ in range(5)} == {Trades}


async def test_each_reader_of_candles_gets_its_own_rows_of_the_past(server: Server) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws()) as fw:
        one, other = fw.candles("BTC-USDT", "1s", history=1), fw.candles("BTC-USDT", "1s", history=50)
        for stream in (one, other):
            assert isinstance(await anext(stream), CandleHistory)
        assert {type(await anext(stream)) for stream in (one, other) for _ in range(3)} == {Candles}


async def test_an_order_is_placed_amended_cancelled_and_listed(server: Server, issued: Issued) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws(), key=bearer(issued)) as fw:
        order = await fw.buy("BTC-USDT", "0.001", limit="61000", post_only=True)
        row = await order.amend(price="61000.5")
        assert row.price == "61000.5"
        assert order in fw.open_orders
        assert order.client_order_id in [row.client_order_id for row in await fw.rest.orders()]
        await order.cancel()
        assert await order.done() == []
        assert order.row is not None
        assert (order.phase, order.row.state) == (OrderPhase.CLOSED, "cancelled")
        with pytest.raises(OrderRejectedError, match="tick_size"):
            await fw.buy("BTC-USDT", "0.001", limit="61000.3")


async def test_a_market_order_is_filled(server: Server, issued: Issued) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws(), key=bearer(issued)) as fw:
        async with fw.fills() as fills, fw.balances() as balances, fw.positions() as positions:
            for stream in (fills, balances, positions):
                await anext(stream)
            order = await fw.buy("BTC-USDT", "0.01")
            done = await order.done()
            assert order.row is not None
            assert order.row.filled_quantity == "0.01000"
            told = await anext(fills)
            assert getattr(told, "fill_id", None) == done[0].fill_id
            await anext(balances)
            await anext(positions)
        assert done[0].fill_id in [row.fill_id for row in await fw.rest.fills("BTC-USDT")]


async def test_what_http_lists(server: Server, issued: Issued) -> None:
    async with asyncio.timeout(PATIENCE_S), Client(server.ws(), key=bearer(issued)) as fw:
        assert "BTC-USDT" in [row.symbol for row in await fw.rest.symbols()]
        assert [row.symbol for row in await fw.rest.tickers("BTC-USDT", "ETH-USDT")] == [
            "BTC-USDT",
            "ETH-USDT",
        ]
        assert (await fw.rest.book("BTC-USDT", depth=5)).depth == 5
        assert {"USDT", "BTC"} <= {row.asset for row in await fw.rest.balances()}
        assert (await fw.rest.account("USDT", days=1)).currency == "USDT"
        assert len(await fw.rest.ledger()) >= 2
        assert (await fw.rest.positions()).is_complete
        await anext(fw.trades("BTC-USDT"))
        assert await fw.rest.time() > 0
        assert len(await fw.rest.candles("BTC-USDT", "1s")) >= 0


async def test_open_orders_of_before_are_found(server: Server, issued: Issued) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with Client(server.ws(), key=bearer(issued)) as fw:
            order = await fw.buy("BTC-USDT", "0.001", limit=FAR_BELOW.replace("1000", "60000"))
        async with Client(server.ws(), key=bearer(issued)) as fw:
            async with fw.orders() as orders:
                snapshot = await anext(orders)
                assert isinstance(snapshot, OrdersSnapshot)
                assert order.client_order_id in [row.client_order_id for row in snapshot.orders]
                assert order.client_order_id in [one.client_order_id for one in fw.open_orders]
            assert await fw.cancel_all() >= 1


async def test_an_order_of_before_is_found_by_either_id(server: Server, issued: Issued) -> None:
    async with Client(server.ws(), key=bearer(issued)) as fw:
        placed = await fw.buy("BTC-USDT", "0.001", limit="50000", client_order_id="of-before")
    async with Client(server.ws(), key=bearer(issued)) as fw:
        found = await fw.order(client_order_id="of-before")
        assert (found.order_id, found.phase) == (placed.order_id, OrderPhase.OPEN)
        assert (await found.amend(price="50001")).price == "50001.0"
        await found.cancel()
        assert await found.done() == []
    async with Client(server.ws(), key=bearer(issued)) as fw:
        assert (await fw.order(placed.order_id)).phase is OrderPhase.CLOSED
        with pytest.raises(RequestRefusedError, match="unknown_order"):
            await fw.order("999999999")
        with pytest.raises(ValueError, match="give one of them"):
            await fw.order()


async def test_it_goes_on_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with scripted() as first:
        async with asyncio.timeout(PATIENCE_S), Client(first.ws()) as fw:
            trades = fw.trades("BTC-USDT")
            for _ in range(5):
                assert isinstance(await anext(trades), Trades)
            first.signal(signal.SIGTERM)
            first.wait()
            with scripted(f"port={first.port}"):
                while not isinstance(gap := await anext(trades), StreamGap):
                    pass
                assert (gap.reason, gap.first) == ("epoch", 1)
                after = await anext(trades)
                assert isinstance(after, Trades)
                assert after.seq == gap.last + 1


async def test_wrong_keys_and_addresses_are_said(server: Server) -> None:
    with pytest.raises(ClosedForGoodError, match="401: the key is not good"):
        async with Client(server.ws(), key=f"fw0000000000000000.{'0' * 43}"):
            pass
    with pytest.raises(ClosedForGoodError, match="404: there is no gateway at this path"):
        async with Client(server.ws("/nothing")):
            pass
    with pytest.raises(UnreachableError, match="nothing listens there"):
        async with Client("ws://127.0.0.1:1", wait_s=0.3):
            pass


async def test_two_gateways_behind_one_object(server: Server) -> None:
    with scripted() as second:
        others = {"other": Gateway(second.ws(), connections=2)}
        async with asyncio.timeout(PATIENCE_S), Client(server.ws(), others=others) as fw:
            assert isinstance(await anext(fw.ticker("BTC-USDT")), Ticker)
            assert isinstance(await anext(fw["other"].ticker("DOGE-USDT")), Ticker)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_all_symbols_of_a_venue_in_one_stream(encoding: Encoding) -> None:
    with scripted() as server:
        async with asyncio.timeout(PATIENCE_S), Client(server.ws(), encoding=encoding) as fw:
            async with fw.all_trades() as trades:
                seqs: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
                while any(len(one) < 3 for one in seqs.values()):
                    trade = await anext(trades)
                    assert isinstance(trade, Trades)
                    seqs[trade.symbol].append(trade.seq)
                assert all(one == list(range(one[0], one[0] + len(one))) for one in seqs.values())
            books, candles = fw.all_books("scripted", depth=5), fw.all_candles("1s")
            assert {(await anext(books)).symbol for _ in SYMBOLS} == set(SYMBOLS)
            assert {(await anext(candles)).symbol for _ in SYMBOLS} <= set(SYMBOLS)
            with pytest.raises(RequestRefusedError, match="there is no 'nowhere'"):
                await anext(fw.all_tickers("nowhere"))
        assert eventually(lambda: metrics(server)["floorwire_subscriptions"] == 0)


async def test_all_symbols_are_resumed_one_by_one_after_a_cut() -> None:
    with scripted() as server:
        async with (
            asyncio.timeout(PATIENCE_S),
            faulty_proxy(server.port, Random(SEED), life_s=0.3, stall_s=0.05) as (proxy, port),
            Client(f"ws://127.0.0.1:{port}") as fw,
            fw.all_trades() as trades,
        ):
            last: dict[str, int] = {}
            again: set[str] = set()
            while again != set(SYMBOLS):
                trade = await anext(trades)
                assert isinstance(trade, Trades), f"seed {SEED}: {trade}"
                assert trade.seq == last.get(trade.symbol, trade.seq - 1) + 1, f"seed {SEED}: {trade}"
                last[trade.symbol] = trade.seq
                if proxy.harm["cut"] + proxy.harm["reset"] >= 2:
                    again.add(trade.symbol)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_server_in_this_process_without_a_socket(tmp_path: Path, encoding: Encoding) -> None:
    app = create_app(ServerGateway(Settings(data=str(tmp_path)), [Scripted(100)]))
    async with asyncio.timeout(PATIENCE_S), InProcessClient(app, encoding=encoding) as fw:
        trades = fw.trades("BTC-USDT")
        numbers = []
        for _ in range(20):
            trade = await anext(trades)
            assert isinstance(trade, Trades)
            numbers.append(int(trade.trade_id))
        assert numbers == list(range(numbers[0], numbers[0] + 20))
        assert [row.symbol for row in await fw.rest.symbols()] == ["BTC-USDT", "ETH-USDT", "DOGE-USDT"]


async def test_an_order_in_this_process(tmp_path: Path) -> None:
    issued = key(tmp_path)
    settings = Settings(data=str(tmp_path), seed=7, history=HistorySettings(simulated_past=False))
    app = create_app(ServerGateway(settings, venue_registry.build(settings)))
    async with asyncio.timeout(PATIENCE_S), InProcessClient(app, key=bearer(issued)) as fw:
        order = await fw.buy("BTC-USDT", "0.01")
        assert len(await order.done()) >= 1


async def test_a_wrong_key_in_this_process(tmp_path: Path) -> None:
    app = create_app(ServerGateway(Settings(data=str(tmp_path)), [Scripted(0)]))
    with pytest.raises(ClosedForGoodError, match="401"):
        async with InProcessClient(app, key=f"fw0000000000000000.{'0' * 43}"):
            pass


def test_without_await(server: Server, issued: Issued) -> None:
    with BlockingClient(server.ws(), key=bearer(issued)) as fw:
        for count, tick in enumerate(fw.ticker("BTC-USDT"), 1):
            assert isinstance(tick, Ticker)
            if count == 3:
                break
        order = fw.buy("BTC-USDT", "0.001", limit="60000")
        assert order.phase is OrderPhase.OPEN
        found = fw.order(client_order_id=order.client_order_id)
        assert found.phase is OrderPhase.OPEN
        found.cancel()
        assert order.done() == []
        assert len(fw.rest.balances()) >= 2
        with fw.book("BTC-USDT") as books:
            assert isinstance(next(books), Book)
    with pytest.raises(UnreachableError):
        BlockingClient("ws://127.0.0.1:1", wait_s=0.2).start()
