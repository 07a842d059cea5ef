"""Faults on demand apply to candles and trades of the past at each face."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

NOW_S = int(time.time())
COINBASE = "/api/v3/brokerage/market/products/BTC-USD"


@dataclass(frozen=True)
class Face:
    kind: type[FakeExchange]
    symbol: str
    paths: tuple[str, str]
    # What says that there were too many requests, and that the address is locked out.
    too_many: tuple[int, str]
    banned: tuple[int, str]
    timed_out: tuple[int, str]


FACES = {
    "binance": Face(
        binance.FakeBinance, "BTCUSDT",
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m", "/api/v3/aggTrades?symbol=BTCUSDT"),
        (429, "-1003"), (418, "-1003"), (504, "-1007"),
    ),
    "bybit": Face(
        bybit.FakeBybit, "BTCUSDT",
        ("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1",
         "/v5/market/recent-trade?category=spot&symbol=BTCUSDT"),
        (200, "10006"), (403, "access too frequent"), (200, "10000"),
    ),
    "coinbase": Face(
        coinbase.FakeCoinbase, "BTCUSD",
        (f"{COINBASE}/candles?start={NOW_S - 3_600}&end={NOW_S + 3_600}&granularity=ONE_MINUTE",
         f"{COINBASE}/ticker?limit=10"),
        (429, "rate_limit_exceeded"), (429, "rate_limit_exceeded"), (504, "504"),
    ),
    "kraken": Face(
        kraken.FakeKraken, "BTCUSD", ("/0/public/OHLC?pair=XBTUSD", "/0/public/Trades?pair=XBTUSD"),
        (200, "EAPI:Rate limit exceeded"), (200, "EGeneral:Temporary lockout"), (200, "EService:Timeout"),
    ),
    "okx": Face(
        okx.FakeOkx, "BTCUSDT",
        ("/api/v5/market/history-candles?instId=BTC-USDT", "/api/v5/market/history-trades?instId=BTC-USDT"),
        (429, "50011"), (403, "Access denied"), (400, "50004"),
    ),
}  # fmt: skip
MODULES = {"binance": binance, "bybit": bybit, "coinbase": coinbase, "kraken": kraken, "okx": okx}


@pytest.fixture(params=FACES)
async def served(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[Face, FakeExchange, httpx2.AsyncClient]]:
    face = FACES[request.param]
    fake = face.kind(MODULES[request.param].default_markets())  # type: ignore[call-arg]
    fake.make_past(face.symbol, 6_000_000, minutes=90)
    async with running(fake), httpx2.AsyncClient(base_url=fake.http, verify=False) as http:
        yield face, fake, http


async def test_requests_are_refused_time_out_and_are_locked_out(
    served: tuple[Face, FakeExchange, httpx2.AsyncClient],
) -> None:
    face, fake, http = served
    for path in face.paths:
        name = path.partition("?")[0]
        fake.faults.too_many_requests(name)
        fake.faults.time_out_after_execution(name)
        fake.faults.be_unavailable(name)
        for status, text in (face.too_many, face.timed_out, (502, "Bad Gateway")):
            response = await http.get(path)
            assert (response.status_code, text in response.text) == (status, True), response.text
        fake.faults.answer_garbage(name)
        response = await http.get(path)
        assert response.status_code == 200
        with pytest.raises(UnicodeDecodeError):
            response.json()
    fake.faults.ban(face.paths[0].partition("?")[0])
    for path in face.paths:
        response = await http.get(path)
        assert (response.status_code, face.banned[1] in response.text) == (face.banned[0], True)


async def test_connections_end_before_within_and_after_an_answer(
    served: tuple[Face, FakeExchange, httpx2.AsyncClient],
) -> None:
    face, fake, http = served
    for path in face.paths:
        name = path.partition("?")[0]
        for fault in (fake.faults.lose_request, fake.faults.lose_answer, fake.faults.cut_answer):
            fault(name)
            with pytest.raises(httpx2.TransportError):
                await http.get(path)
        assert (await http.get(path)).status_code == 200
    assert not fake.faults.requests


async def test_answers_come_late_and_lag(served: tuple[Face, FakeExchange, httpx2.AsyncClient]) -> None:
    face, fake, http = served
    flow = SeededFlow(fake.core, face.symbol, 6_000_000)
    flow.fill_book()
    before = [(await http.get(path)).json() for path in face.paths]
    fake.queries.freeze()
    fake.core.place("flow", face.symbol, Side.BUY, 1_000, None, "taker")
    lagging = [(await http.get(path)).json() for path in face.paths]
    assert list(map(without_times, lagging)) == list(map(without_times, before))
    fake.queries.thaw()
    assert without_times((await http.get(face.paths[1])).json()) != without_times(before[1])
    fake.faults.delay_answers(0.3)
    with pytest.raises(httpx2.ReadTimeout):
        await http.get(face.paths[0], timeout=0.1)


def without_times(answer: object) -> object:
    """Bybit's answers have the time at which they were made, Coinbase's the best prices."""
    if isinstance(answer, dict):
        return {key: value for key, value in answer.items() if key not in ("time", "best_bid", "best_ask")}
    return answer
