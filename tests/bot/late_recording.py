"""Made recordings whose exchange is silent at first, so that a bot can connect to what plays them."""

from __future__ import annotations

import gzip
from heapq import merge
from operator import attrgetter
from pathlib import Path

import msgspec

from floorwire.connectors import recording_format
from floorwire.connectors.recording_format import Header, LinkOpened
from tests.recorded.make_session import records_of

RECORDED = Path(__file__).parents[1] / "recorded"
SILENCE_US = 2_000_000
EXCHANGES = {
    "binance": ("sessions/BINANCE.0", "sessions/BINANCE.http.0.0", "sessions/BINANCE.ws.1.0"),
    "coinbase": ("sessions/COINBASE.0", "sessions/COINBASE.ws.28.0"),
    "okx": ("okx/OKX.0", "okx/OKX.ws.1.0"),
    "kraken": ("kraken/KRAKEN.0", "kraken/KRAKEN.ws.1.0"),
    "bybit": ("bybit/BYBIT.0", "bybit/BYBIT.ws.1.0"),
}


def write(folder: Path, exchange: str) -> Path:
    """Write the session of an exchange; return its file."""
    files = [RECORDED / name for name in EXCHANGES[exchange]]
    records = list(merge(*map(records_of, files), key=attrgetter("at_us")))
    opened_us = next(one.at_us for one in records if isinstance(one, LinkOpened))
    late = [
        one
        if isinstance(one, LinkOpened) or one.at_us < opened_us
        else msgspec.structs.replace(one, at_us=one.at_us + SILENCE_US)
        for one in records
    ]
    session = f"{exchange}-20240703T094640.000Z"
    header = Header(late[0].at_us, exchange, exchange, session, 1)
    file = folder / f"{session}.00001.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(map(recording_format.encode, (header, *late)))))
    return file
