"""The recorded sessions of exchanges that ``benchmarks.frames`` plays, and the kind of each frame in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.frame_timing import Session
from floorwire.connectors import recording
from floorwire.core.ports import Frame, VenueInput, VenueOutput
from floorwire.venues.recorded_round import Adapter, RecordedRound

RECORDED = Path(__file__).parents[2] / "shared" / "recorded"
FILES = {
    "binance": RECORDED / "current" / "binance" / "hftbacktest_spot_btcusdt_20240808.ndjson.gz",
    "kraken": RECORDED / "sessions" / "KRAKEN.0",
    "okx": RECORDED / "sessions" / "OKX.0",
}
"""The sessions by exchange."""
OTHER = ""
"""The kind of what has no prices."""


def is_here() -> bool:
    """Return whether the recordings are on this machine."""
    return all(path.exists() for path in FILES.values())


class Received(NamedTuple):
    """One input of an adapter."""

    happened: VenueInput
    at_us: int
    """When it came, in recorded time."""
    kind: str


class RecordedSession:
    """A session: what the adapter gets, and what other programs need to play it."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self._recording = recording.read(FILES[exchange], exchange)
        noting = NotingAdapter(exchange, self.make_adapter())
        playing = RecordedRound(noting, self._recording)
        playing.start()
        while (at_us := playing.next_us()) is not None:
            playing.step(at_us)
        self.received: Sequence[Received] = noting.received

    def make_adapter(self) -> Adapter:
        """Return a new adapter, without what else a replay needs for a recording without a list."""
        make = recording.exchanges()[self.exchange].venue
        return make(self._recording.symbols, recorded=True, jitter=recording.no_wait)

    def start(self) -> Adapter:
        """Return a new adapter that has started."""
        adapter = self.make_adapter()
        adapter.start(self.received[0].at_us)
        return adapter

    @property
    def frames(self) -> list[tuple[str, bytes, int]]:
        """Kind, bytes and time of each frame with prices."""
        return [
            (kind, encoded(happened.data), at_us)
            for happened, at_us, kind in self.received
            if isinstance(happened, Frame) and kind != OTHER
        ]

    def for_others(self) -> Session:
        """Return the session for programs that know nothing of Floorwire."""
        natives = dict.fromkeys(map(self._native, (data for _, data, _ in self.frames)))
        books = [answer.body for answer in self._recording.answers if b"lastUpdateId" in answer.body[:20]]
        return Session(
            self.exchange,
            {native: _assets(native) for native in natives},
            books[0].decode() if books else "",
            [(data.decode(), at_us / 1_000_000) for _, data, at_us in self.frames],
        )

    def _native(self, data: bytes) -> str:
        if self.exchange == "kraken":
            return msgspec.json.decode(_parts.decode(data)[-1], type=str)
        head = _heads.decode(data)
        return head.arg.inst_id or head.stream.partition("@")[0].upper()


class NotingAdapter:
    """An adapter, and a record of what it got."""

    def __init__(self, exchange: str, adapter: Adapter) -> None:
        self.name = exchange
        self.skipped = adapter.skipped
        self.received: list[Received] = []
        self._adapter = adapter

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start the adapter."""
        return self._adapter.start(now_us)

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Note the input, and pass it on. Leave out frames of symbols that the adapter does not know."""
        unknown = self.skipped["unknown_symbol"]
        outputs = self._adapter.receive(happened, now_us)
        kind = kind_of(self.name, encoded(happened.data)) if isinstance(happened, Frame) else OTHER
        if self.skipped["unknown_symbol"] == unknown:
            self.received.append(Received(happened, now_us, kind))
        return outputs


def encoded(data: str | bytes) -> bytes:
    """Return a frame as it comes from the connection."""
    return data.encode() if isinstance(data, str) else data


# --- kinds of frames ------------------------------------------------------------------------------------


class Argument(msgspec.Struct, frozen=True, rename="camel"):
    """The channel of a frame of OKX."""

    channel: str = ""
    inst_id: str = ""


class Head(msgspec.Struct):
    """The fields that show the kind of a frame of Binance and OKX."""

    stream: str = ""
    arg: Argument = Argument()
    action: str = ""
    event: str = ""


_heads = msgspec.json.Decoder(Head)
_parts = msgspec.json.Decoder(list[msgspec.Raw])


def kind_of(exchange: str, data: bytes) -> str:
    """Return the kind of a frame."""
    if data.startswith(b"["):
        parts = _parts.decode(data)
        channel = msgspec.json.decode(parts[-2], type=str).partition("-")[0]
        return "book, whole" if b'"as"' in bytes(parts[1]) else channel
    head = _heads.decode(data)
    if exchange == "binance":
        return head.stream.partition("@")[2].partition("@")[0] or OTHER
    if not head.arg.channel or head.event:
        return OTHER
    return f"{head.arg.channel}, whole" if head.action == "snapshot" else head.arg.channel


def _assets(native: str) -> tuple[str, str]:
    """Return base and quote of a symbol in one of the sessions."""
    base, _, quote = native.replace("/", "-").replace("XBT", "BTC").partition("-")
    return (base, quote) if quote else (native.removesuffix("USDT"), "USDT")
