"""What every contestant publishes and how often, so that all send the same messages."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Self

import msgspec

from floorwire.protocol.channel_events import Ticker

TICK, LOT = "0.001", "0.0001"


class Workload(msgspec.Struct, frozen=True):
    """Each burst has ``depth`` messages for each of the next ``width`` symbols, in rotation."""

    port: int
    symbols: int
    bursts_per_second: float
    width: int
    depth: int

    @classmethod
    def from_arguments(cls) -> Self:
        """Return the workload of the command line that ``arguments`` makes."""
        parser = argparse.ArgumentParser()
        for name in cls.__struct_fields__:
            parser.add_argument(name, type=float)
        return msgspec.convert(vars(parser.parse_args()), cls, strict=False)

    @property
    def arguments(self) -> list[str]:
        """The command line of every contestant."""
        return [str(getattr(self, name)) for name in self.__struct_fields__]

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols."""
        return tuple(f"S{number:03}-USDT" for number in range(self.symbols))

    def bursts(self) -> Iterator[list[str]]:
        """Yield the symbols of each burst, each as often as it has messages."""
        names, at = self.names, 0
        while True:
            burst = [names[(at + step) % self.symbols] for step in range(self.width)]
            at += self.width
            yield [name for name in burst for _ in range(self.depth)]


class Tickers:
    """Makes tickers as Floorwire does: the same fields and lengths, from the same encoder."""

    def __init__(self) -> None:
        self._seq: dict[str, int] = {}

    def next(self, symbol: str) -> str:
        """Return the symbol's next message."""
        seq = self._seq[symbol] = self._seq.get(symbol, 0) + 1
        now_us = time.time_ns() // 1000
        ticker = Ticker(
            epoch="01234567-1",
            seq=seq,
            ts=now_us,
            recv=now_us,
            sent=now_us,
            symbol=symbol,
            bid=f"64250.{seq % 1000:03}",
            bid_size="1.2345",
            ask=f"64251.{seq % 1000:03}",
            ask_size="2.3456",
            last="64250.500",
            last_size="0.1234",
            open="64250.500",
            high="64250.500",
            low="64250.500",
            volume="0.1234",
            quote_volume="7928.5117000",
            change="0.000",
        )
        return msgspec.json.encode(ticker).decode()


async def publish_forever(workload: Workload, publish: Callable[[str, str], Awaitable[None]]) -> None:
    """Publish the workload without end. A late burst does not delay the next ones."""
    tickers, clock = Tickers(), asyncio.get_running_loop().time
    due = clock()
    for burst in workload.bursts():
        due += 1 / workload.bursts_per_second
        await asyncio.sleep(max(0.0, due - clock()))
        for symbol in burst:
            await publish(symbol, tickers.next(symbol))
