"""Market events as rows of a table, and the table as a Parquet file."""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorwire.cli import application
from floorwire.connectors import event_rows, parquet_file
from floorwire.connectors.event_rows import (
    BOOLEAN_COLUMNS,
    DECIMAL_COLUMNS,
    EVENTS,
    INTEGER_COLUMNS,
    TEXT_COLUMNS,
    EventRows,
)
from floorwire.connectors.table_columns import Row
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Listing,
    Quote,
    Trade,
    VenueTime,
)

RECORDED = Path(__file__).parent.parent / "recorded"
OF = Instrument("A-B", "A", "B", "x", "0.5", "0.01")
COLUMNS = {*TEXT_COLUMNS, *DECIMAL_COLUMNS, *INTEGER_COLUMNS, *BOOLEAN_COLUMNS}


def rows(
    *events: Listing | Trade | Quote | BookSnapshot | BookChange | DayStats | Candle | FeedStatus | VenueTime,
) -> list[Row]:
    made = EventRows()
    found = [row for event in (Listing((OF,), 1), *events) for row in made.rows(event)]
    assert all(row.keys() <= COLUMNS for row in found)
    return found


def test_a_listing_says_the_steps() -> None:
    [row] = rows()
    assert row == {
        "message": 1,
        "event": "listing",
        "ts_us": 1,
        "symbol": "A-B",
        "tick_size": Decimal("0.5"),
        "lot_size": Decimal("0.01"),
        "state": "open",
    }


def test_trades_and_quotes_are_in_decimals() -> None:
    _, trade, quote = rows(Trade("A-B", "7", 3, 25, "sell", 2), Quote("A-B", 3, 100, 0, 0, 3))
    assert (trade["price"], trade["size"], trade["side"], trade["trade_id"]) == (
        Decimal("1.5"),
        Decimal("0.25"),
        "sell",
        "7",
    )
    assert (quote["bid_price"], quote["bid_size"]) == (Decimal("1.5"), Decimal("1.00"))
    assert (quote["ask_price"], quote["ask_size"]) == (None, Decimal("0.00"))


def test_levels_of_a_book_share_the_number_of_their_message() -> None:
    _, *found = rows(BookSnapshot("A-B", ((2, 1),), ((3, 2), (4, 3)), 5), BookChange("A-B", (), ((3, 0),), 6))
    assert [(row["event"], row["message"], row["side"], row["price"], row["size"]) for row in found] == [
        ("book_snapshot", 2, "bid", Decimal("1.0"), Decimal("0.01")),
        ("book_snapshot", 2, "ask", Decimal("1.5"), Decimal("0.02")),
        ("book_snapshot", 2, "ask", Decimal("2.0"), Decimal("0.03")),
        ("book_change", 3, "ask", Decimal("1.5"), Decimal("0.00")),
    ]


def test_candles_days_and_statuses() -> None:
    candle = Candle("A-B", 60, 120, 1, 4, 1, 2, 50, 9, True, 7)
    _, one, day, status, venue = rows(
        candle,
        DayStats("A-B", 1, 4, 1, 50, None, 8),
        FeedStatus("A-B", "stale", "silent", 9),
        FeedStatus(None, "live", "synced", 10),
        VenueTime(11),
        Trade("unlisted", "1", 1, 1, "buy", 12),
    )
    assert (one["interval_us"], one["start_us"], one["close"], one["closed"]) == (
        60,
        120,
        Decimal("1.0"),
        True,
    )
    assert (day["high"], day["volume"]) == (Decimal("2.0"), Decimal("0.50"))
    assert (status["symbol"], status["feed"], status["reason"]) == ("A-B", "stale", "silent")
    assert (venue["symbol"], venue["feed"]) == (None, "live")


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins
    import sys

    import_ = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return import_(name, *rest)  # type: ignore[arg-type]

    for name in [name for name in sys.modules if name.startswith("pyarrow")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(parquet_file.ParquetMissingError, match=r"floorwire\[parquet\]"):
        parquet_file.write(tmp_path / "x.parquet", (), event_rows.COLUMNS)


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    out = f"{tmp_path}/x.parquet"
    for arguments, said in (
        (("--recording", str(RECORDED / "okx"), "--event", "order"), "'order' is none of listing"),
        ((), "one of the two is needed"),
        (("--recording", "x", "--venue", "sim"), "one of the two is needed"),
        (("--venue", "sim"), "sim plays no recording"),
        (("--recording", f"{tmp_path}/none"), "there is no such file"),
        (("--recording", str(tmp_path)), "has no SESSION"),
    ):
        result = CliRunner().invoke(application(), ["export", "events", "--out", out, *arguments])
        assert result.exit_code == 2
        assert said in " ".join(result.output.split()), result.output
    assert list(tmp_path.iterdir()) == []


# --- with pyarrow -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [("--recording", "{}"), ("--venue", "replay:{}")])
def test_a_recording_as_a_parquet_file(tmp_path: Path, source: tuple[str, str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    out = tmp_path / "okx.parquet"
    file = str(RECORDED / "okx")
    result = CliRunner().invoke(
        application(), ["export", "events", "--out", str(out), *(part.format(file) for part in source)]
    )
    assert result.exit_code == 0, result.output
    table = parquet.read_table(out)
    assert set(table.column_names) == COLUMNS
    found = table.to_pylist()
    counts = Counter(row["event"] for row in found)
    assert (counts["listing"], counts["trade"], counts["quote"], counts["candle"]) == (2, 92, 159, 24)
    assert f"{table.num_rows} rows: " in result.output
    books: dict[str, dict[tuple[str, Decimal], Decimal]] = {}
    seen = 0
    for row in found:
        if row["event"] == "book_snapshot" and row["message"] != seen:
            seen = row["message"]
            books[row["symbol"]] = {}
        if row["event"] in ("book_snapshot", "book_change"):
            books[row["symbol"]][row["side"], row["price"]] = row["size"]
    for book in books.values():
        sides = {side: [p for (s, p), size in book.items() if s == side and size] for side in ("bid", "ask")}
        assert max(sides["bid"]) < min(sides["ask"])
    assert {path.name for path in tmp_path.iterdir()} == {"okx.parquet"}


def test_only_some_events(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    out = tmp_path / "x.parquet"
    given = ["export", "events", "--recording", str(RECORDED / "okx"), "--event", "trade", "--event", "day"]
    assert CliRunner().invoke(application(), [*given, "--out", str(out)]).exit_code == 0
    assert Counter(parquet.read_table(out)["event"].to_pylist()) == {"trade": 92, "day": 24}


def test_rows_of_many_groups_and_a_file_that_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    monkeypatch.setattr(parquet_file, "BATCH_ROWS", 10)
    monkeypatch.setattr(parquet_file, "ROWS_AT_ONCE", 5)
    made = [Row(message=n, event="trade", ts_us=n, price=Decimal(n).scaleb(-18)) for n in range(25)]
    out = tmp_path / "x.parquet"
    assert parquet_file.write(out, made, event_rows.COLUMNS) == 25
    assert parquet.ParquetFile(out).num_row_groups == 3
    assert parquet.read_table(out)["price"].to_pylist() == [row["price"] for row in made]
    before = out.read_bytes()

    def broken() -> object:
        yield from made
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        parquet_file.write(out, broken(), event_rows.COLUMNS)  # type: ignore[arg-type]
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_every_event_has_a_name() -> None:
    assert EVENTS == ("listing", "status", "trade", "quote", "book_snapshot", "book_change", "candle", "day")


def test_what_is_no_parquet_file_is_not_replaced(tmp_path: Path) -> None:
    recording, pipe, device = tmp_path / "a.jsonl", tmp_path / "pipe", tmp_path / "device"
    recording.write_text("{}\n")
    os.mkfifo(pipe)
    device.symlink_to("/dev/null")
    for path in (recording, pipe, device):
        with pytest.raises(FileExistsError):
            parquet_file.write(path, (), event_rows.COLUMNS)
    assert recording.read_text() == "{}\n"
    assert pipe.is_fifo()
    assert device.is_symlink()
