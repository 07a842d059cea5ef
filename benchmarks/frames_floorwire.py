"""Plays frames of ``benchmarks.frames`` to the adapter, or decodes them: ``EXCHANGE adapter`` or ``bare``.

A process of its own, as the other contestants have: what else was played in it would slow its memory down.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from benchmarks import frame_timing
from benchmarks.frame_sessions import Received, RecordedSession
from floorwire.venues.binance import messages as binance
from floorwire.venues.kraken import messages_v1 as kraken
from floorwire.venues.okx import messages as okx

Result = TypeVar("Result")
ADAPTER, BARE = "adapter", "bare"


class OkxFrame(msgspec.Struct, Generic[Result]):
    """A frame of OKX."""

    arg: okx.Stream
    data: list[Result]
    action: str = ""


BINANCE_FRAMES = {
    kind: msgspec.json.Decoder(binance.Combined[message]).decode  # type: ignore[valid-type] # it is a type
    for kind, message in {
        "depth": binance.DepthUpdate,
        "bookTicker": binance.BookTicker,
        "trade": binance.Trade,
    }.items()
}
OKX_FRAMES = {
    kind: msgspec.json.Decoder(OkxFrame[message], strict=False).decode  # type: ignore[valid-type]
    for kind, message in {"books": okx.Book, "trades": okx.Trade, "tickers": okx.Ticker}.items()
}
KRAKEN_FRAMES = {
    ("book", 4): msgspec.json.Decoder(tuple[int, kraken.BookData, str, str]).decode,
    ("book", 5): msgspec.json.Decoder(tuple[int, kraken.BookData, kraken.BookData, str, str]).decode,
    ("trade", 4): msgspec.json.Decoder(tuple[int, list[list[str]], str, str]).decode,
    ("ticker", 4): msgspec.json.Decoder(tuple[int, kraken.TickerData, str, str]).decode,
}


def _decoder(exchange: str, kind: str, data: bytes) -> Callable[[bytes], object]:
    """Return what decodes a frame into the same Structs as the adapter, but knows its kind."""
    name = kind.partition(",")[0]
    if exchange == "binance":
        return BINANCE_FRAMES[name]
    if exchange == "okx":
        return OKX_FRAMES[name]
    return KRAKEN_FRAMES[name, len(json.loads(data))]


def through_adapter(session: RecordedSession) -> Sequence[int]:
    """Return the nanoseconds of each frame, from its bytes to market events."""

    def make_player() -> Callable[[Received], object]:
        receive = session.start().receive
        return lambda item: receive(item[0], item[1])

    times = frame_timing.least_ns(session.received, make_player)
    return [took for item, took in zip(session.received, times, strict=True) if item.kind]


def decoded_barely(session: RecordedSession) -> Sequence[int]:
    """Return the nanoseconds of decoding each frame and nothing more."""
    frames = [(_decoder(session.exchange, kind, data), data) for kind, data, _ in session.frames]
    return frame_timing.least_ns(frames, lambda: lambda frame: frame[0](frame[1]))


if __name__ == "__main__":
    _, exchange, way = sys.argv
    play = through_adapter if way == ADAPTER else decoded_barely
    print(json.dumps(play(RecordedSession(exchange))))
