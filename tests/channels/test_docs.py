"""The examples of docs/channels.md are what the code says, field for field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec.structs import replace

from floorwire.channels import Channel, Option, discover
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    MarketEvent,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.notices import DrainBegun, Notice, SecondPassed, SymbolFeedChanged, VenueFeedChanged
from floorwire.protocol.channel_events import AnyEvent, BookEvent
from floorwire.protocol.event_stamps import EventStamp
from tests.channels.book_client import BookClient
from tests.channels.stream_driver import BTC

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
CHANNELS = discover()

FOUR_US = 1_764_000_000_000_000  # 2025-11-24T16:00:00Z
BTC_USDT = replace(BTC, lot_size="0.00001")

QUOTE = Quote("BTC-USDT", 6_543_210, 42_000, 6_543_220, 100_000, FOUR_US + 61_250_000)
BUY = Trade("BTC-USDT", "88213", 6_543_220, 1500, "buy", FOUR_US + 61_300_000)
SELL = Trade("BTC-USDT", "88214", 6_543_010, 25_000, "sell", FOUR_US + 75_900_000)
SNAPSHOT = BookSnapshot(
    "BTC-USDT",
    ((6_543_210, 42_000), (6_543_200, 150_000), (6_543_010, 7)),
    ((6_543_220, 100_000), (6_543_500, 31_250), (6_544_000, 200_000)),
    FOUR_US + 61_250_000,
)
CHANGE = BookChange(
    "BTC-USDT", ((6_543_215, 5000),), ((6_543_220, 98_500), (6_543_500, 0)), FOUR_US + 61_300_000
)
SILENT = VenueFeedChanged("sim", FeedStatus(None, "stale", "silent", FOUR_US + 80_000_000))


def said(channel: Channel, option: Option, *happened: MarketEvent | Notice) -> Iterator[AnyEvent]:
    """Give the messages that follow from the events, as the page shows them."""
    tracker = channel.tracker(BTC_USDT if channel.per_symbol else None)
    stream, seq = tracker.stream(option), 0
    for event in happened:
        tracker.apply(event)
        venue_us = event.status.ts_us if isinstance(event, VenueFeedChanged) else event.ts_us
        for message in stream.apply(event, EventStamp("k3-7", seq + 1, venue_us + 4200, venue_us + 4300)):
            seq += 1
            yield message


EXAMPLES: list[tuple[str, Option, tuple[MarketEvent | Notice, ...]]] = [
    ("ticker", None, (QUOTE, BUY)),
    ("trades", None, (BUY, SymbolFeedChanged("BTC-USDT", "stale", "silent", FOUR_US + 80_000_000))),
    ("book", 5, (SNAPSHOT, CHANGE)),
    ("candles", "1m", (BUY, SELL, VenueTime(FOUR_US + 120_000_000))),
    ("heartbeat", None, (SecondPassed(FOUR_US),)),
    ("system", None, (SILENT, DrainBegun(20, FOUR_US + 90_000_000))),
]


def test_the_page_shows_what_the_channels_say() -> None:
    shown = [msgspec.json.decode(text) for text in re.findall(r"^    \{.*?\}$", PAGE, re.M | re.S)]
    for name, option, happened in EXAMPLES:
        ours = [example for example in shown if example["channel"] == name]
        told = said(CHANNELS[name], option, *happened)
        messages = [msgspec.json.decode(msgspec.json.encode(message)) for message in told]
        assert ours
        assert all(example in messages for example in ours), name


def test_the_worked_checksum_is_right() -> None:
    client = BookClient()
    for message in said(CHANNELS["book"], 5, SNAPSHOT, CHANGE):
        client.read(message)
        assert isinstance(message, BookEvent)
        bids, asks = client.view()
        text = "|".join(f"{price}:{size}" for price, size in bids + asks)
        assert f"{text}\n" in PAGE
        assert f"{crc32(text.encode())}\n" in PAGE
        assert message.checksum == crc32(text.encode())


def test_the_page_names_every_channel_with_its_contracts() -> None:
    for name, channel in CHANNELS.items():
        others = sorted(channel.contracts - {channel.on_slow})
        row = f"| `{name}` | {channel.on_slow}, {', '.join(others)} |"
        assert row.replace(f"{channel.on_slow},", f"**{channel.on_slow}**,", 1) in PAGE
