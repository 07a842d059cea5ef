"""Makes small files in the forms that Binance and Tardis publish: `python -m tests.recorded.make_tables`."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "tables"
MS: Final = 1_700_000_000_000
US: Final = MS * 1_000
TARDIS: Final = "exchange,symbol,timestamp,local_timestamp"


def binance_trades() -> str:
    """Return spot trades, with times in milliseconds as up to 2024."""
    rows = (
        (10, "37000.10000000", "0.50000000", 0, "True"),
        (11, "37000.20000000", "0.00100000", 250, "False"),
    )
    return "".join(f"{n},{p},{q},{float(p) * float(q):.8f},{MS + ms},{m},True\n" for n, p, q, ms, m in rows)


def binance_agg_trades() -> str:
    """Return aggregated trades, with times in microseconds as since 2025."""
    rows = ((1, "0.06100000", "2.5", 100, 103, 0, "false"), (2, "0.06200000", "1", 104, 104, 999_999, "true"))
    return "".join(f"{a},{p},{q},{f},{last},{US + us},{m},true\n" for a, p, q, f, last, us, m in rows)


def binance_klines() -> str:
    """Return candles of a minute."""
    start = MS // 60_000 * 60_000
    rows = []
    for number in range(3):
        at = start + number * 60_000
        rows.append(f"{at},100.5,101.25,99,{100 + number},12.5,{at + 59_999},1250.0,{7 + number},6.0,600.0,0")
    return "\n".join(rows) + "\n"


def tardis_trades() -> str:
    """Return trades of two symbols."""
    rows = (
        ("BTC-USD", 0, 5, "t1", "buy", "37000.5", "0.25"),
        ("ETH-USD", 10, 15, "t2", "sell", "2000.01", "3"),
        ("BTC-USD", 20, 25, "t3", "unknown", "37001", "1"),
    )
    lines = (f"coinbase,{s},{US + at},{US + got},{i},{side},{p},{q}" for s, at, got, i, side, p, q in rows)
    return "\n".join((f"{TARDIS},id,side,price,amount", *lines)) + "\n"


def tardis_quotes() -> str:
    """Return best prices; in the second row the ask is missing."""
    lines = (
        f"coinbase,BTC-USD,{US},{US + 1},1.5,37001,37000.5,2",
        f"coinbase,BTC-USD,{US + 30},{US + 31},,,37000,1",
    )
    return "\n".join((f"{TARDIS},ask_amount,ask_price,bid_price,bid_amount", *lines)) + "\n"


def tardis_incremental_book() -> str:
    """Return a change before a snapshot, a snapshot, changes, and a snapshot again."""
    rows = (
        (0, "false", "bid", "36990", "1"),
        (10, "true", "ask", "37001", "1.5"),
        (10, "true", "ask", "37002", "2"),
        (10, "true", "bid", "37000", "3"),
        (10, "true", "bid", "36999.5", "0.125"),
        (20, "false", "bid", "37000", "0"),
        (20, "false", "ask", "37000.5", "1"),
        (30, "false", "bid", "37000.25", "4"),
        (40, "true", "bid", "36000", "1"),
        (40, "true", "ask", "38000", "1"),
    )
    lines = (
        f"coinbase,BTC-USD,{US + at},{US + at + 1},{snap},{side},{p},{q}" for at, snap, side, p, q in rows
    )
    return "\n".join((f"{TARDIS},is_snapshot,side,price,amount", *lines)) + "\n"


def tardis_book_snapshot() -> str:
    """Return the best two levels, three times."""
    header = ",".join(f"asks[{n}].price,asks[{n}].amount,bids[{n}].price,bids[{n}].amount" for n in range(2))
    levels = ("10.1,5,10,4,10.2,6,9.9,3", "10.1,5,10,4.5,10.2,6,9.9,3", "10.3,1,10,4.5,,,,")
    lines = (f"kraken,XBT/USD,{US + n},{US + n + 1},{level}" for n, level in enumerate(levels))
    return "\n".join((f"{TARDIS},{header}", *lines)) + "\n"


def files() -> dict[str, bytes]:
    """Return all files by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        inside = zipfile.ZipInfo("ETHBTC-aggTrades-2025-01-01.csv", (2025, 1, 2, 0, 0, 0))
        archive.writestr(inside, binance_agg_trades())
    return {
        "BTCUSDT-trades-2023-11-14.csv": binance_trades().encode(),
        "ETHBTC-aggTrades-2025-01-01.zip": packed.getvalue(),
        "BTCUSDT-1m-2023-11-14.csv": binance_klines().encode(),
        "coinbase_trades.csv.gz": gzip.compress(tardis_trades().encode(), mtime=0),
        "coinbase_quotes.csv": tardis_quotes().encode(),
        "coinbase_incremental_book_L2.csv": tardis_incremental_book().encode(),
        "kraken_book_snapshot_2.csv": tardis_book_snapshot().encode(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
