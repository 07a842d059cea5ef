"""Nothing that a client sends raises in a face: an adapter would take that for a fault of the exchange."""

from collections.abc import Iterator, Mapping

import httpx2
import pytest

from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.binance import default_markets as binance_markets
from tests.fake_exchange.binance.client import BinanceClient
from tests.fake_exchange.binance.rest import ROUTES
from tests.fake_exchange.bybit import FakeBybit
from tests.fake_exchange.bybit import default_markets as bybit_markets
from tests.fake_exchange.bybit.client import BybitClient
from tests.fake_exchange.coinbase import FakeCoinbase
from tests.fake_exchange.coinbase import default_markets as coinbase_markets
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken
from tests.fake_exchange.kraken import default_markets as kraken_markets
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.okx import default_markets as okx_markets
from tests.fake_exchange.okx.client import OkxClient
from tests.fake_exchange.serving import running

ODD = [("-1", "x"), pytest.param(("", "0", "1.5", "9" * 25, "\u0661"), marks=pytest.mark.slow)]
NAMES = {
    "binance": ("limit", "fromId", "startTime", "endTime", "orderId", "interval", "symbol", "timeZone"),
    "bybit": ("limit", "cursor", "startTime", "start", "end", "orderId", "interval", "symbol", "openOnly"),
    "okx": ("limit", "after", "before", "begin", "end", "ordId", "clOrdId", "sz", "bar", "instId", "type"),
}


def odd_queries(names: tuple[str, ...], base: Mapping[str, str], odd: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        for value in odd:
            yield str(httpx2.QueryParams({**base, name: value}))


@pytest.mark.parametrize("odd", ODD)
async def test_binance_answers_odd_parameters(odd: tuple[str, ...]) -> None:
    async with running(FakeBinance(binance_markets())) as fake, BinanceClient(fake) as client:
        fake.limits.weight.limit = 10**9
        for method, path in ROUTES:
            base = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            for query in odd_queries(NAMES["binance"], base, odd):
                params = dict(httpx2.QueryParams(query))
                response = await client.call(method, path.removeprefix("/api/v3/"), params)
                assert response.status_code < 500, (path, query, response.text)


@pytest.mark.parametrize("odd", ODD)
async def test_bybit_answers_odd_parameters(odd: tuple[str, ...]) -> None:
    async with running(FakeBybit(bybit_markets())) as fake, BybitClient(fake) as client:
        SeededFlow(fake.core, "BTCUSDT", 6_000_000).fill_book()
        fake.rest.address_limit.limit = fake.requests.query_limit = 10**9
        base = {"category": "spot", "symbol": "BTCUSDT", "accountType": "UNIFIED"}
        for path in (*fake.queries.public, *fake.queries.private):
            for query in odd_queries(NAMES["bybit"], base, odd):
                response = await client.get(path.removeprefix("/v5/"), query)
                assert response.status_code == 200, (path, query, response.text)


@pytest.mark.parametrize("odd", ODD)
async def test_okx_answers_odd_parameters(odd: tuple[str, ...]) -> None:
    async with running(FakeOkx(okx_markets())) as fake, OkxClient(fake) as client:
        SeededFlow(fake.core, "BTCUSDT", 600_000).fill_book()
        base = {"instType": "SPOT", "instId": "BTC-USDT"}
        for path in (*fake.queries.public, *fake.queries.private):
            fake.rest.limits[path] = 10**9
            for query in odd_queries(NAMES["okx"], base, odd):
                response = await client.get(f"{path.removeprefix('/api/v5/')}?{query}")
                assert response.status_code < 500, (path, query, response.text)


@pytest.mark.parametrize("value", [None, 1, 1.5, "", [], {}, True, "9" * 25])
async def test_bodies_of_odd_types_are_refused(value: object) -> None:
    async with running(FakeOkx(okx_markets())) as okx, OkxClient(okx) as client:
        order: dict[str, object] = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit"}
        order |= {"sz": "1", "px": "50000", "clOrdId": "a", "tgtCcy": "", "cxlOnFail": False, "newSz": "1"}
        for path in ("trade/order", "trade/amend-order", "trade/cancel-order", "trade/cancel-all-after"):
            for name in order:
                response = await client.post(path, order | {name: value, "timeOut": value})
                assert response.status_code < 500, (path, name, response.text)
    async with running(FakeBybit(bybit_markets())) as bybit, BybitClient(bybit) as other:
        order = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "1"}
        order |= {"orderLinkId": "a", "price": "1", "request": [], "marketUnit": "", "isLeverage": 0}
        for path in ("create", "amend", "cancel", "cancel-all", "create-batch"):
            for name in order:
                answer = await other.post(f"order/{path}", order | {name: value})
                assert "retCode" in answer, (path, name, answer)


@pytest.mark.parametrize("odd", ODD)
async def test_kraken_answers_odd_parameters(odd: tuple[str, ...]) -> None:
    async with running(FakeKraken(kraken_markets())) as fake, httpx2.AsyncClient(verify=False) as http:
        fake.make_past("BTCUSD", 600_000, minutes=60)
        fake.limits.pair_limit = 10**9
        for name in ("OHLC", "Trades", "Depth"):
            for query in odd_queries(("pair", "interval", "since", "count"), {"pair": "XBTUSD"}, odd):
                response = await http.get(f"{fake.http}/0/public/{name}?{query}")
                assert response.status_code == 200, (name, query, response.text)


@pytest.mark.parametrize("odd", ODD)
async def test_coinbase_answers_odd_parameters(odd: tuple[str, ...]) -> None:
    async with running(FakeCoinbase(coinbase_markets())) as fake, httpx2.AsyncClient(verify=False) as http:
        fake.make_past("BTCUSD", 6_000_000, minutes=60)
        fake.rest.public_per_s = 10**9
        base = {"start": "1", "end": "2", "granularity": "ONE_DAY"}
        for name in ("candles", "ticker"):
            for query in odd_queries(("start", "end", "granularity", "limit"), base, odd):
                url = f"{fake.http}/api/v3/brokerage/market/products/BTC-USD/{name}?{query}"
                response = await http.get(url)
                assert response.status_code < 500, (name, query, response.text)
