"""Published tables of Binance and Tardis as market events."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.connectors import recording
from floorwire.connectors.recording_files import RecordingError
from floorwire.connectors.table_files import table_file
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    Listing,
    MissingTrade,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.ports import Frame, Opened, VenueOutput, Wake, Woke
from floorwire.venues.tables.adapter import TableVenue
from tests.recorded import make_tables
from tests.recorded.make_tables import MS, US
from tests.venues.driver import every, rebuilt, statuses

TABLES = make_tables.FOLDER
BOOK = "coinbase_incremental_book_L2.csv"


def played(path: Path) -> tuple[list[VenueOutput], dict[str, int]]:
    venue = recording.replay(recording.read(path), "x:", speed=None)
    out = list(venue.start(0))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), 0)
    return out, dict(+venue.skipped)


def steps(out: list[VenueOutput]) -> dict[str, tuple[str, str, str]]:
    [listing] = every(out, Listing)
    return {of.symbol: (of.venue, of.tick_size, of.lot_size) for of in listing.instruments}


def test_our_tables_are_what_is_made() -> None:
    assert {file.name: file.read_bytes() for file in TABLES.iterdir()} == make_tables.files()


def test_trades_of_binance() -> None:
    out, skipped = played(TABLES / "BTCUSDT-trades-2023-11-14.csv")
    assert steps(out) == {"x:BTC-USDT": ("binance", "0.1", "0.001")}
    assert every(out, Trade) == [
        Trade("x:BTC-USDT", "10", 370_001, 500, "sell", US),
        Trade("x:BTC-USDT", "11", 370_002, 1, "buy", US + 250_000),
    ]
    assert skipped == {}
    assert statuses(out)[1:] == [
        (None, "live", "synced"),
        ("x:BTC-USDT", "live", "synced"),
        (None, "stale", "ended"),
    ]


def test_aggregated_trades_in_a_zip_with_microseconds() -> None:
    out, _ = played(TABLES / "ETHBTC-aggTrades-2025-01-01.zip")
    assert steps(out) == {"x:ETH-BTC": ("binance", "0.001", "0.1")}
    assert every(out, Trade) == [
        Trade("x:ETH-BTC", "103", 61, 25, "buy", US),
        Trade("x:ETH-BTC", "104", 62, 10, "sell", US + 999_999),
    ]


def test_candles_of_binance() -> None:
    out, _ = played(TABLES / "BTCUSDT-1m-2023-11-14.csv")
    start = MS // 60_000 * 60_000_000
    first, *_, last = every(out, Candle)
    assert first == Candle(
        "x:BTC-USDT", 60_000_000, start, 10_050, 10_125, 9_900, 10_000, 125, 7, True, start + 59_999_000
    )
    assert (last.start_us, last.close_ticks, last.trades) == (start + 120_000_000, 10_200, 9)
    assert recording.read(TABLES / "BTCUSDT-1m-2023-11-14.csv").capabilities.streams == ("candles",)


def test_trades_of_tardis() -> None:
    out, skipped = played(TABLES / "coinbase_trades.csv.gz")
    assert steps(out) == {
        "x:BTC-USD": ("coinbase", "0.1", "0.01"),
        "x:ETH-USD": ("coinbase", "0.01", "1"),
    }
    assert every(out, Trade) == [
        Trade("x:BTC-USD", "t1", 370_005, 25, "buy", US),
        Trade("x:ETH-USD", "t2", 200_001, 3, "sell", US + 10),
    ]
    assert every(out, MissingTrade) == [MissingTrade("x:BTC-USD", US + 20)]
    assert skipped == {"bad_message": 1}


def test_best_prices_of_tardis() -> None:
    out, _ = played(TABLES / "coinbase_quotes.csv")
    assert every(out, Quote) == [
        Quote("x:BTC-USD", 370_005, 20, 370_010, 15, US),
        Quote("x:BTC-USD", 370_000, 10, 0, 0, US + 30),
    ]


def test_a_book_of_tardis() -> None:
    out, skipped = played(TABLES / BOOK)
    first, second = every(out, BookSnapshot)
    assert first.bids == ((3_700_000, 3_000), (3_699_950, 125))
    assert first.asks == ((3_700_100, 1_500), (3_700_200, 2_000))
    assert [(change.bids, change.asks) for change in every(out, BookChange)] == [
        (((3_700_000, 0),), ((3_700_050, 1_000),)),
        (((3_700_025, 4_000),), ()),
    ]
    assert (second.bids, second.asks) == (((3_600_000, 1_000),), ((3_800_000, 1_000),))
    assert skipped == {"no_snapshot": 1}


def test_books_of_the_best_levels() -> None:
    out, _ = played(TABLES / "kraken_book_snapshot_2.csv")
    assert steps(out) == {"x:BTC-USD": ("kraken", "0.1", "0.1")}
    assert len(every(out, BookSnapshot)) == 1
    changes = [(change.bids, change.asks) for change in every(out, BookChange)]
    assert changes == [(((100, 45),), ()), (((99, 0),), ((103, 10), (101, 0), (102, 0)))]
    book = rebuilt(out, "x:BTC-USD")
    assert (book.bids.top(9), book.asks.top(9)) == ([(100, 45)], [(103, 10)])


def test_the_tables_of_a_folder_are_one_market(tmp_path: Path) -> None:
    for name in ("coinbase_trades.csv.gz", "coinbase_quotes.csv", BOOK):
        shutil.copy(TABLES / name, tmp_path)
    (tmp_path / "notes.txt").write_text("")
    out, _ = played(tmp_path)
    kinds = [type(event) for event in out if isinstance(event, Trade | Quote | BookSnapshot | BookChange)]
    assert kinds == [Quote, Trade, BookSnapshot, Trade, BookChange, BookChange, Quote, BookSnapshot]
    assert ("x:BTC-USD", "live", "synced") in statuses(out)
    read = recording.read(tmp_path)
    assert read.symbols == ("BTC-USD", "ETH-USD")
    assert read.capabilities.streams == ("book", "quote", "trades")


def test_tables_of_two_exchanges_are_not_one_market(tmp_path: Path) -> None:
    for name in ("coinbase_trades.csv.gz", "BTCUSDT-trades-2023-11-14.csv"):
        shutil.copy(TABLES / name, tmp_path)
    with pytest.raises(RecordingError, match="has tables of binance, coinbase: name a file"):
        recording.read(tmp_path)


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-trades-2024-01.csv"
    file.write_text(
        f"id,price,qty\n1,1,1,1,{MS},true,true\n2,1\n3,1,1,1,soon,true,true\n\n4,1,1,1,{MS},true,true\n"
    )
    read = recording.read(file)
    assert (read.frames, [(one.reason, one.lines) for one in read.skipped]) == (
        2,
        [("broken_line", [f"{file.name}:3", f"{file.name}:4"])],
    )


def test_a_book_that_crosses_starts_again_with_the_next_snapshot(tmp_path: Path) -> None:
    text = make_tables.tardis_incremental_book().replace("37000.5,1\n", "36000,1\n")
    file = tmp_path / BOOK
    file.write_text(text)
    out, skipped = played(file)
    assert skipped == {"no_snapshot": 2, "crossed_book": 1}
    assert [one for one in statuses(out) if one[0] == "x:BTC-USD"] == [
        ("x:BTC-USD", "live", "synced"),
        ("x:BTC-USD", "stale", "bad_message"),
        ("x:BTC-USD", "live", "synced"),
    ]


def test_futures_have_headers_and_best_prices(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-bookTicker-2024-01-01.csv"
    header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
    file.write_text(f"{header}\n5,10.5,2,10.6,3,{MS},{MS + 1}\n")
    out, _ = played(file)
    assert every(out, Quote) == [Quote("x:BTC-USDT", 105, 2, 106, 3, US)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BTCUSDT-other-2024-01-01.csv", "1,2,3\n"),
        ("BTCUSDT-trades-2024.csv", "1,2,3\n"),
        ("options.csv", "exchange,symbol,timestamp,local_timestamp,strike\n"),
        ("empty.csv", ""),
        ("broken.zip", "no zip"),
    ],
)
def test_files_that_have_no_table(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert table_file(file) is None


def test_a_name_that_is_no_pair_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "SOMETHING-trades-2024-01-01.csv"
    file.write_text(f"1,1,1,1,{MS},true,true\n")
    with pytest.raises(RecordingError, match="'SOMETHING' is no pair of two coins"):
        recording.read(file)


def test_a_zip_that_is_cut_is_said(tmp_path: Path) -> None:
    whole = (TABLES / "ETHBTC-aggTrades-2025-01-01.zip").read_bytes()
    file = tmp_path / "ETHBTC-aggTrades-2025-01-01.zip"
    file.write_bytes(whole[:100])
    assert recording.read(file).skipped[0].reason == "broken_file"


def test_time_passes_by_the_tables() -> None:
    venue = TableVenue("binance", {"A": Instrument("A-B", "A", "B", "binance", "1", "1")}, [("trades", "A")])
    out = list(venue.start(0))
    assert every(out, Wake)[0].at_us == 1_000_000
    assert venue.receive(Opened("tables"), 0) == []
    assert every(list(venue.receive(Woke(), 0)), VenueTime) == []
    venue.receive(Frame("tables", f"trades A\n1,1,1,1,{MS},true,true"), 0)
    assert every(list(venue.receive(Woke(), 0)), VenueTime) == [VenueTime(US, is_reckoned=True)]
    venue.receive(Frame("tables", b"trades X\n1"), 0)
    venue.receive(Frame("tables", "nothing A\n1"), 0)
    assert venue.skipped["unknown_symbol"] == 2


cells = st.one_of(
    st.sampled_from(["", "true", "bid", "ask", "buy"]),
    st.decimals().map(str),
    st.integers(-5, 10**18).map(str),
    st.text(max_size=4),
)


@settings(max_examples=50)
@given(
    st.sampled_from(["trades", "klines", "quotes", "tardis_trades", "book_snapshot", "incremental_book"]),
    st.lists(st.lists(cells, max_size=14).map(",".join), max_size=3),
)
def test_no_row_raises(table: str, rows: list[str]) -> None:
    instruments = {"A": Instrument("A-B", "A", "B", "binance", "0.01", "0.01")}
    venue = TableVenue("binance", instruments, [("incremental_book", "A")])
    venue.start(0)
    out = list(venue.receive(Frame("tables", "\n".join((f"{table} A", *rows))), 0))
    assert not rebuilt(out, "A-B").crossed()
