"""Makes the recording in ``okx``: a market invented by a seed, in the words of OKX.

``python -m tests.recorded.make_okx`` writes it anew. A test checks that the files are what this makes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.recorded.make import (
    LENGTH_US,
    PRODUCTS,
    SECOND_US,
    START_US,
    STEP_US,
    Market,
    Print,
    Product,
    seconds,
    text,
)

FOLDER = Path(__file__).parent / "okx"
PUBLIC_URL = "wss://ws.okx.com:8443/ws/v5/public"
BUSINESS_URL = "wss://ws.okx.com:8443/ws/v5/business"
LIST_URL = "https://www.okx.com/api/v5/public/instruments?instType=SPOT"
CHANNELS = ("books", "bbo-tbt", "trades", "tickers")
MINUTE_US = 60 * SECOND_US
MAINTENANCE_US = START_US + 6 * SECOND_US
"""Then the numbers of the books start again from a smaller one."""


def files(seed: int = 4) -> dict[str, str]:
    """Return the files: the list, the public channels, and the candles on their own link."""
    dice = random.Random(seed)
    markets = [Market(product, dice) for product in PRODUCTS[:2]]
    public = [*_opening(PUBLIC_URL, CHANNELS, START_US - SECOND_US)]
    business = [*_opening(BUSINESS_URL, ("candle1m",), START_US - SECOND_US)]
    numbers = {market.product: 5_000 + 100 * place for place, market in enumerate(markets)}
    for market in markets:
        name, before = _name(market.product), numbers[market.product]
        public.append(
            _frame("books", name, _book(market, _all(market), -1, before, START_US), START_US, "snapshot")
        )
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for market in markets:
            public += _step(market, numbers, at_us, dice)
            if at_us % SECOND_US == 0:
                business.append(_candle(market, at_us + 400_000))
    public += [f"{seconds(START_US + LENGTH_US)}: pong"]
    listed = {"code": "0", "msg": "", "data": [_listed(of) for of in (*PRODUCTS[:2], PRODUCTS[2])]}
    return {
        "OKX.0": f"{LIST_URL} -> {seconds(START_US - 2 * SECOND_US)}: {text(listed)}\n",
        "OKX.ws.1.0": "\n".join(public) + "\n",
        "OKX.ws.2.0": "\n".join(business) + "\n",
    }


def _opening(url: str, channels: tuple[str, ...], at_us: int) -> Iterator[str]:
    streams = [{"channel": channel, "instId": _name(of)} for of in PRODUCTS[:2] for channel in channels]
    yield f"{url} <-> {seconds(at_us)}"
    yield f"{url} <- {seconds(at_us + 10_000)}: {text({'id': '1', 'op': 'subscribe', 'args': streams})}"
    for stream in streams:
        said = {"id": "1", "event": "subscribe", "arg": stream, "connId": "a4d3ae55"}
        yield f"{seconds(at_us + 60_000)}: {text(said)}"


def _name(of: Product) -> str:
    return f"{of.base}-{of.quote}"


def _listed(of: Product) -> dict[str, str]:
    names = {"instType": "SPOT", "instId": _name(of), "baseCcy": of.base, "quoteCcy": of.quote}
    steps = {"tickSz": of.price(1), "lotSz": of.size(1), "minSz": of.size(10), "maxLmtSz": "9999999999"}
    return names | steps | {"state": "live", "listTime": "1606468572000", "expTime": "", "lever": "10"}


def _step(market: Market, numbers: dict[Product, int], at_us: int, dice: random.Random) -> Iterator[str]:
    of, changed = market.product, dict[tuple[str, int], int]()
    name = _name(of)
    for number in range(dice.randrange(0, 4)):
        now_us = at_us + number * 20_000
        best = market.best()
        levels, traded = market.move()
        changed |= {(side, ticks): lots for side, ticks, lots in levels}
        if market.best() != best:
            bid, bid_lots, ask, ask_lots = market.best()
            said = _book(
                market, [("buy", bid, bid_lots), ("sell", ask, ask_lots)], None, at_us // 1_000, now_us
            )
            yield _frame("bbo-tbt", name, said, now_us + 1_000)
        if traded is not None:
            yield _frame("trades", name, _trade(market, traded, now_us), now_us + 4_000)
    before = numbers[of]
    if at_us == MAINTENANCE_US:
        numbers[of] = 10
    elif changed:
        numbers[of] += dice.randrange(1, 9)
    if changed or at_us in (MAINTENANCE_US, START_US + 20 * STEP_US):  # a book without a change, too
        levels = [(side, ticks, lots) for (side, ticks), lots in changed.items()]
        said = _book(market, levels, before, numbers[of], at_us + 90_000)
        yield _frame("books", name, said, at_us + 95_000, "update")
    if at_us % SECOND_US == 0:
        yield _frame("tickers", name, _ticker(market, at_us), at_us + 97_000)


def _all(market: Market) -> list[tuple[str, int, int]]:
    bids = [("buy", ticks, lots) for ticks, lots in sorted(market.bids.items(), reverse=True)]
    return bids + [("sell", ticks, lots) for ticks, lots in sorted(market.asks.items())]


def _book(
    market: Market, levels: list[tuple[str, int, int]], before: int | None, number: int, at_us: int
) -> dict[str, object]:
    of = market.product
    said: dict[str, object] = {
        key: [[of.price(p), of.size(lots), "0", "1" if lots else "0"] for on, p, lots in levels if on == side]
        for side, key in (("sell", "asks"), ("buy", "bids"))
    }
    said |= {"ts": str(at_us // 1_000)}
    if before is None:
        return said | {"seqId": number}
    return said | {"checksum": 0, "prevSeqId": before, "seqId": number}


def _trade(market: Market, traded: Print, now_us: int) -> dict[str, str]:
    of = market.product
    said = {"instId": _name(of), "tradeId": str(traded.trade_id), "px": of.price(traded.ticks)}
    said |= {"sz": of.size(traded.lots), "side": traded.side, "ts": str(now_us // 1_000), "count": "1"}
    return said


def _ticker(market: Market, at_us: int) -> dict[str, str]:
    of = market.product
    bid, bid_lots, ask, ask_lots = market.best()
    said = {"instType": "SPOT", "instId": _name(of), "last": of.price(market.last), "lastSz": of.size(1)}
    said |= {"bidPx": of.price(bid), "bidSz": of.size(bid_lots)}
    said |= {"askPx": of.price(ask), "askSz": of.size(ask_lots), "open24h": of.price(market.open)}
    said |= {"high24h": of.price(market.high), "low24h": of.price(market.low)}
    said |= {"vol24h": of.size(market.volume), "volCcy24h": _turnover(market)}
    return said | {"ts": str(at_us // 1_000 + 96)}


def _candle(market: Market, at_us: int) -> str:
    of, volume = market.product, market.product.size(market.volume)
    prices = [of.price(ticks) for ticks in (market.open, market.high, market.low, market.last)]
    row = [
        str((at_us - at_us % MINUTE_US) // 1_000),
        *prices,
        volume,
        _turnover(market),
        _turnover(market),
        "0",
    ]
    return _frame("candle1m", _name(of), row, at_us)


def _turnover(market: Market) -> str:
    of = market.product
    scaled = Product("", "", of.decimals + of.lot_decimals, 0, 0)
    return scaled.price(market.volume * market.last)


def _frame(channel: str, name: str, row: object, at_us: int, action: str | None = None) -> str:
    said: dict[str, object] = {"arg": {"channel": channel, "instId": name}}
    said |= {} if action is None else {"action": action}
    return f"{seconds(at_us)}: {text(said | {'data': [row]})}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in files().items():
        (FOLDER / file).write_text(content)
