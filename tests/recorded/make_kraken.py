"""Makes the recording in ``kraken``: a market invented by a seed, in the words of Kraken (WebSocket v2).

``python -m tests.recorded.make_kraken`` writes it anew. A test checks that the files are what this makes.
The texts are written by hand: JSON numbers keep their zeros.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from tests.recorded.make import (
    LENGTH_US,
    PRODUCTS,
    SECOND_US,
    START_US,
    STEP_US,
    Market,
    Print,
    Product,
    iso,
    seconds,
    text,
)

FOLDER = Path(__file__).parent / "kraken"
STREAM_URL = "wss://ws.kraken.com/v2"
LIST_URL = "https://api.kraken.com/0/public/AssetPairs"
DEPTH = 10
MINUTE_US = 60 * SECOND_US
UNASKED_US = START_US + 4 * SECOND_US
"""Then whole books come, though nobody asked."""

Sides: TypeAlias = dict[str, dict[int, int]]


def files(seed: int = 6) -> dict[str, str]:
    """Return the files: the list, and one link."""
    dice = random.Random(seed)
    markets = [Market(product, dice) for product in PRODUCTS[:2]]
    at_us = START_US - SECOND_US
    names = [_name(of) for of in PRODUCTS[:2]]
    lines = [f"{STREAM_URL} <-> {seconds(at_us)}"]
    for channel, options in (
        ("book", {"depth": DEPTH}),
        ("ticker", {"event_trigger": "bbo"}),
        ("trade", {}),
        ("ohlc", {"interval": 1}),
    ):
        asked = {"method": "subscribe", "params": {"channel": channel, "symbol": names} | options}
        lines.append(f"{STREAM_URL} <- {seconds(at_us + 10_000)}: {text(asked)}")
        for name in names:
            result = {"channel": channel, "symbol": name} | options
            answer = {"method": "subscribe", "result": result, "success": True}
            lines.append(f"{seconds(at_us + 60_000)}: {text(answer)}")
    known: dict[Product, Sides] = {}
    for market in markets:
        lines.append(_snapshot(market, known, START_US))
    for at_us in range(START_US, START_US + LENGTH_US, STEP_US):
        for market in markets:
            lines += _step(market, known, at_us, dice)
    listed = ",".join(f'"{of.base}{of.quote}":{_listed(of)}' for of in PRODUCTS)
    body = f'{{"error":[],"result":{{{listed}}}}}'
    return {
        "KRAKEN.0": f"{LIST_URL} -> {seconds(START_US - 2 * SECOND_US)}: {body}\n",
        "KRAKEN.ws.1.0": "\n".join(lines) + "\n",
    }


def _name(of: Product) -> str:
    return f"{of.base}/{of.quote}"


def _listed(of: Product) -> str:
    named = {"altname": of.base + of.quote, "wsname": _name(of), "status": "online"}
    steps = {"lot_decimals": of.lot_decimals, "tick_size": of.price(1), "costmin": "0.5"}
    return text(named | steps)


def _step(market: Market, known: dict[Product, Sides], at_us: int, dice: random.Random) -> Iterator[str]:
    for number in range(dice.randrange(0, 4)):
        now_us = at_us + number * 20_000
        best = market.best()
        _, traded = market.move()
        if market.best() != best:
            yield _ticker(market, now_us)
        if traded is not None:
            yield _trade(market, traded, now_us)
    if at_us == UNASKED_US:
        yield _snapshot(market, known, at_us + 90_000)
    elif change := _change(market, known[market.product], at_us + 90_000):
        yield change
    if at_us % SECOND_US == 0:
        yield f'{seconds(at_us + 95_000)}: {{"channel":"heartbeat"}}'
        yield _ohlc(market, at_us + 96_000)


def shown(market: Market) -> Sides:
    """Return the best levels."""
    bids = dict(sorted(market.bids.items(), reverse=True)[:DEPTH])
    return {"bids": bids, "asks": dict(sorted(market.asks.items())[:DEPTH])}


def _snapshot(market: Market, known: dict[Product, Sides], at_us: int) -> str:
    known[market.product] = shown(market)
    return _book(market, "snapshot", known[market.product], at_us)


def _change(market: Market, known: Sides, at_us: int) -> str | None:
    """Return the change of the best levels. Of those pushed out nothing is told."""
    now = shown(market)
    all_of = {"bids": market.bids, "asks": market.asks}
    told: Sides = {}
    for side, before in known.items():
        gone = {ticks: 0 for ticks in before if ticks not in all_of[side]}
        told[side] = gone | {t: lots for t, lots in now[side].items() if before.get(t) != lots}
    known.update(now)
    return _book(market, "update", told, at_us) if told["bids"] or told["asks"] else None


def _book(market: Market, kind: str, told: Sides, at_us: int) -> str:
    of = market.product
    sides = ",".join(
        f'"{side}":['
        + ",".join(f'{{"price":{of.price(t)},"qty":{of.size(lots)}}}' for t, lots in levels.items())
        + "]"
        for side, levels in told.items()
    )
    now = shown(market)
    digits = "".join(f"{t}{lots}" for side in ("asks", "bids") for t, lots in now[side].items())
    checksum = crc32(digits.encode())
    row = f'"symbol":"{_name(of)}",{sides},"checksum":{checksum},"timestamp":"{iso(at_us)}"'
    return _frame("book", kind, row, at_us)


def _ticker(market: Market, at_us: int) -> str:
    of = market.product
    bid, bid_lots, ask, ask_lots = market.best()
    change = market.last - market.open
    sign = "-" if change < 0 else ""
    fields = {"bid": of.price(bid), "bid_qty": of.size(bid_lots)}
    fields |= {"ask": of.price(ask), "ask_qty": of.size(ask_lots), "last": of.price(market.last)}
    fields |= {"volume": of.size(market.volume), "low": of.price(market.low), "high": of.price(market.high)}
    fields |= {"change": sign + of.price(abs(change))}
    row = f'"symbol":"{_name(of)}",{_numbers(fields)},"timestamp":"{iso(at_us)}"'
    return _frame("ticker", "update", row, at_us)


def _trade(market: Market, traded: Print, at_us: int) -> str:
    of = market.product
    fields = {"price": of.price(traded.ticks), "qty": of.size(traded.lots)}
    row = f'"symbol":"{_name(of)}","side":"{traded.side}",{_numbers(fields)},"ord_type":"limit",'
    row += f'"trade_id":{traded.trade_id},"timestamp":"{iso(at_us)}"'
    return _frame("trade", "update", row, at_us)


def _ohlc(market: Market, at_us: int) -> str:
    of = market.product
    fields = {"open": of.price(market.open), "high": of.price(market.high), "low": of.price(market.low)}
    fields |= {"close": of.price(market.last), "volume": of.size(market.volume)}
    fields |= {"trades": str(market.trade_id - 1_000), "interval": "1"}
    begin = iso(at_us - at_us % MINUTE_US).replace("Z", "000Z")
    row = f'"symbol":"{_name(of)}",{_numbers(fields)},"interval_begin":"{begin}"'
    return _frame("ohlc", "update", row, at_us)


def _numbers(fields: dict[str, str]) -> str:
    return ",".join(f'"{name}":{number}' for name, number in fields.items())


def _frame(channel: str, kind: str, row: str, at_us: int) -> str:
    return f'{seconds(at_us + 1_000)}: {{"channel":"{channel}","type":"{kind}","data":[{{{row}}}]}}'


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in files().items():
        (FOLDER / file).write_text(content)
