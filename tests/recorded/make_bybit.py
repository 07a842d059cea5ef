"""Makes the recording in ``bybit``: a market invented by a seed, in the words of Bybit.

``python -m tests.recorded.make_bybit`` writes it anew. A test checks that the files are what this makes.
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

FOLDER = Path(__file__).parent / "bybit"
STREAM_URL = "wss://stream.bybit.com/v5/public/spot"
LIST_URL = "https://api.bybit.com/v5/market/instruments-info?category=spot"
TOPICS = ("orderbook.200", "orderbook.1", "publicTrade", "tickers", "kline.1")
MINUTE_US = 60 * SECOND_US
UNASKED_US = START_US + 4 * SECOND_US
"""Then whole books come, though nobody asked."""
RESTART_US = START_US + 8 * SECOND_US
"""Then the books' numbers start again at 1."""


def files(seed: int = 5) -> dict[str, str]:
    """Return the files: the list, and one link."""
    dice = random.Random(seed)
    markets = [Market(product, dice) for product in PRODUCTS[:2]]
    at_us = START_US - SECOND_US
    topics = [f"{topic}.{_name(of)}" for of in PRODUCTS[:2] for topic in TOPICS]
    asked = {"req_id": "1", "op": "subscribe", "args": topics}
    lines = [
        f"{STREAM_URL} <-> {seconds(at_us)}",
        f"{STREAM_URL} <- {seconds(at_us + 10_000)}: {text(asked)}",
    ]
    answer = {
        "success": True,
        "ret_msg": "subscribe",
        "conn_id": "2324d924",
        "req_id": "1",
        "op": "subscribe",
    }
    lines += [f"{seconds(at_us + 60_000)}: {text(answer)}"]
    numbers = {market.product: 900 + 100 * place for place, market in enumerate(markets)}
    for market in markets:
        lines.append(_books(market, _all(market), numbers[market.product], "snapshot", START_US))
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for market in markets:
            lines += _step(market, numbers, at_us, dice)
    pong = {"success": True, "ret_msg": "pong", "conn_id": "2324d924", "op": "ping"}
    lines += [f"{seconds(START_US + LENGTH_US)}: {text(pong)}"]
    listed = {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "spot", "list": [_listed(of) for of in PRODUCTS]},
    }
    return {
        "BYBIT.0": f"{LIST_URL} -> {seconds(START_US - 2 * SECOND_US)}: {text(listed)}\n",
        "BYBIT.ws.1.0": "\n".join(lines) + "\n",
    }


def _name(of: Product) -> str:
    return f"{of.base}{of.quote}"


def _listed(of: Product) -> dict[str, object]:
    names = {"symbol": _name(of), "baseCoin": of.base, "quoteCoin": of.quote, "status": "Trading"}
    lots = {"basePrecision": of.size(1), "quotePrecision": "0.0001", "minOrderAmt": "5"}
    return names | {"lotSizeFilter": lots, "priceFilter": {"tickSize": of.price(1)}}


def _step(market: Market, numbers: dict[Product, int], at_us: int, dice: random.Random) -> Iterator[str]:
    of, changed = market.product, dict[tuple[str, int], int]()
    for number in range(dice.randrange(0, 4)):
        now_us = at_us + number * 20_000
        best = market.best()
        levels, traded = market.move()
        changed |= {(side, ticks): lots for side, ticks, lots in levels}
        if market.best() != best:
            yield _best(market, now_us)
        if traded is not None:
            yield _trade(market, traded, now_us)
    if changed:
        numbers[of] += 1
        levels = [(side, ticks, lots) for (side, ticks), lots in changed.items()]
        yield _books(market, levels, numbers[of], "delta", at_us + 90_000)
    if at_us == UNASKED_US:
        yield _books(market, _all(market), numbers[of], "snapshot", at_us + 92_000)
    elif at_us == RESTART_US:
        numbers[of] = 1
        yield _books(market, _all(market), 1, "snapshot", at_us + 92_000)
    if at_us % SECOND_US == 0:
        yield from _each_second(market, at_us)


def _all(market: Market) -> list[tuple[str, int, int]]:
    bids = [("buy", ticks, lots) for ticks, lots in sorted(market.bids.items(), reverse=True)]
    return bids + [("sell", ticks, lots) for ticks, lots in sorted(market.asks.items())]


def _books(market: Market, levels: list[tuple[str, int, int]], number: int, kind: str, at_us: int) -> str:
    return _book("200", market, levels, number, kind, at_us)


def _best(market: Market, at_us: int) -> str:
    bid, bid_lots, ask, ask_lots = market.best()
    levels = [("buy", bid, bid_lots), ("sell", ask, ask_lots)]
    return _book("1", market, levels, at_us // 1_000_000, "snapshot", at_us)


def _book(
    depth: str, market: Market, levels: list[tuple[str, int, int]], number: int, kind: str, at_us: int
) -> str:
    of = market.product
    said: dict[str, object] = {"s": _name(of)}
    said |= {
        key: [[of.price(p), of.size(lots) if lots else "0"] for on, p, lots in levels if on == side]
        for side, key in (("buy", "b"), ("sell", "a"))
    }
    said |= {"u": number, "seq": 40_000_000 + at_us // 1_000 % 10_000_000}
    return _frame(f"orderbook.{depth}.{_name(of)}", said, kind, at_us, cts=at_us // 1_000 - 2)


def _trade(market: Market, traded: Print, now_us: int) -> str:
    of = market.product
    row = {"T": now_us // 1_000, "s": _name(of), "S": traded.side.capitalize(), "v": of.size(traded.lots)}
    row |= {"p": of.price(traded.ticks), "L": "PlusTick", "i": f"22900000000{traded.trade_id}", "BT": False}
    return _frame(f"publicTrade.{_name(of)}", [row | {"RPI": False}], "snapshot", now_us + 4_000)


def _each_second(market: Market, at_us: int) -> Iterator[str]:
    of = market.product
    last, high, low = of.price(market.last), of.price(market.high), of.price(market.low)
    volume, turnover = of.size(market.volume), _turnover(market)
    day = {"symbol": _name(of), "lastPrice": last, "highPrice24h": high, "lowPrice24h": low}
    day |= {"prevPrice24h": of.price(market.open), "volume24h": volume, "turnover24h": turnover}
    yield _frame(f"tickers.{_name(of)}", day, "snapshot", at_us + 96_000)
    start = (at_us - at_us % MINUTE_US) // 1_000
    bar: dict[str, object] = {"start": start, "end": start + 59_999, "interval": "1"}
    bar |= {"open": of.price(market.open), "close": last, "high": high, "low": low, "volume": volume}
    bar |= {"turnover": turnover, "confirm": False, "timestamp": at_us // 1_000 + 90}
    yield _frame(f"kline.1.{_name(of)}", [bar], "snapshot", at_us + 97_000)


def _turnover(market: Market) -> str:
    of = market.product
    return Product("", "", of.decimals + of.lot_decimals, 0, 0).price(market.volume * market.last)


def _frame(topic: str, data: object, kind: str, at_us: int, cts: int | None = None) -> str:
    said: dict[str, object] = {"topic": topic, "ts": at_us // 1_000, "type": kind, "data": data}
    said |= {} if cts is None else {"cts": cts}
    return f"{seconds(at_us + 1_000)}: {text(said)}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in files().items():
        (FOLDER / file).write_text(content)
