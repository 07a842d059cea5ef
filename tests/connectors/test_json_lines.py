"""Frames as JSON, one a line: their times, their exchange, and what is left out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from floorwire.connectors import recording
from floorwire.connectors.frame_shapes import exchange_of
from floorwire.connectors.json_lines import UNDATED_US, is_json_lines
from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter
from floorwire.connectors.recording_files import read_lines
from floorwire.core.market_events import BookSnapshot, FeedStatus, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from tests.venues.driver import every

T = 1_700_000_000_000_000
TRADE = (
    '{"stream":"abcusdt@trade","data":{"e":"trade","E":1700000001000,"s":"ABCUSDT","t":%d,"p":"10.5","q":"2",'
    '"T":1700000001000,"m":false}}'
)
DEPTH = (
    '{"stream":"abcusdt@depth@100ms","data":{"e":"depthUpdate","E":1700000001000,"s":"ABCUSDT","U":%d,"u":%d,'
    '"b":[["10.4","3"]],"a":[]}}'
)
SNAPSHOT = '{"lastUpdateId":11,"bids":[["10.3","1"]],"asks":[["10.6","4"]]}'


def read(tmp_path: Path, text: str | bytes) -> tuple[list[RecordedLine], list[tuple[str, int, list[str]]]]:
    """Return the lines of a file with this text, and what was left out."""
    file = tmp_path / "file.jsonl"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    skips = SkippedLineCounter()
    found = list(read_lines(file, skips))
    return found, [(skipped.reason, skipped.count, skipped.lines) for skipped in skips.all()]


def played(path: Path) -> list[VenueOutput]:
    venue = recording.replay(recording.read(path), speed=None)
    out = list(venue.start(T))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), T)
    return out


@pytest.mark.parametrize(
    ("line", "at_us"),
    [
        ('1700000000123 {"a":1}', T + 123_000),
        ('1700000000123456 {"a":1}', T + 123_456),
        ("1700000000123456789\t[1]", T + 123_456),
        ('{"timestamp":"2023-11-14T22:13:20.5Z","channel":"x"}', T + 500_000),
        ('{"time_in":"2023-11-14T22:13:20.25Z","method":"x"}', T + 250_000),
        ('{"topic":"x","ts":1700000000001}', T + 1_000),
        ('{"arg":{},"data":[{"ts":"1700000000002"}]}', T + 2_000),
        ('{"stream":"x","data":{"E":1700000000003}}', T + 3_000),
        ('{"channel":"book","data":[{"timestamp":"2023-11-14T22:13:21Z"}]}', T + 1_000_000),
        ('{"channel":"heartbeat"}', UNDATED_US),
        ('{"ts":"soon","data":[]}', UNDATED_US),
    ],
)
def test_the_time_of_a_line(tmp_path: Path, line: str, at_us: int) -> None:
    [found], skipped = read(tmp_path, line + "\n")
    assert (found.at_us, found.mark, skipped) == (at_us, "", [])
    assert found.text in line.encode()


def test_lines_without_a_time_have_that_of_the_line_before_and_the_first_that_of_the_first_dated(
    tmp_path: Path,
) -> None:
    lines = ['{"a":1}', '{"ts":1700000001000}', "", '{"b":1}', '{"ts":1700000000000}', '{"ts":1700000002000}']
    found, skipped = read(tmp_path, "\n".join(lines))
    assert [line.at_us - T for line in found] == [1_000_000] * 4 + [2_000_000]
    assert [line.number for line in found] == [1, 2, 4, 5, 6]
    assert skipped == []


def test_lines_without_any_time_are_a_millisecond_apart(tmp_path: Path) -> None:
    found, _ = read(tmp_path, '{"a":1}\n{"a":2}\n')
    assert [line.at_us for line in found] == [UNDATED_US, UNDATED_US + 1_000]


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    text = '1700000000000 {"a":1}\n1700000000001 {"a":\nnothing\n1700900000000 {"late":1}\n'
    found, skipped = read(tmp_path, text)
    assert [line.number for line in found] == [1]
    assert skipped == [
        ("broken_message", 1, ["file.jsonl:2"]),
        ("broken_line", 1, ["file.jsonl:3"]),
        ("bad_time", 1, ["file.jsonl:4"]),
    ]


def test_a_compressed_file_that_is_cut_ends_there(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f'{{"ts":{1_700_000_000_000 + n}}}\n' for n in range(20_000)).encode())
    found, skipped = read(tmp_path, whole[: len(whole) // 2])
    assert 0 < len(found) < 20_000
    assert [reason for reason, _, _ in skipped] == ["broken_file"]


def test_a_snapshot_between_the_frames_answers_the_request_for_it(tmp_path: Path) -> None:
    file = tmp_path / "recorded.ndjson"
    lines = [DEPTH % (10, 11), SNAPSHOT, DEPTH % (12, 12), TRADE % 1]
    file.write_text("".join(f"{1_700_000_001_000 + n} {line}\n" for n, line in enumerate(lines)))
    read_back = recording.read(file)
    assert (read_back.adapter, read_back.frames) == ("binance", 3)
    assert read_back.answers[0].url.endswith("depth?symbol=ABCUSDT&limit=1000")
    out = played(file)
    [book] = every(out, BookSnapshot)
    assert book.bids == ((103, 1),)
    assert [trade.trade_id for trade in every(out, Trade)] == ["1"]
    assert [said.reason for said in every(out, FeedStatus) if said.symbol] == ["synced"]


def test_a_snapshot_among_several_symbols_is_of_none(tmp_path: Path) -> None:
    other = DEPTH.replace("ABC", "XYZ") % (1, 2)
    _, skipped = read(tmp_path, "\n".join((DEPTH % (10, 11), other, SNAPSHOT)))
    assert skipped == [("unknown_snapshot", 1, ["file.jsonl:3"])]


@pytest.mark.parametrize(
    ("frame", "exchange"),
    [
        (TRADE % 1, "binance"),
        ('{"e":"trade"}', "binance"),
        (SNAPSHOT, "binance"),
        ('{"arg":{"channel":"books"},"data":[]}', "okx"),
        ('{"topic":"orderbook.1.BTCUSDT"}', "bybit"),
        ('{"channel":"l2_data","sequence_num":0}', "coinbase"),
        ('{"type":"match","product_id":"BTC-USD"}', "coinbase"),
        ('{"channel":"heartbeat"}', "kraken"),
        ('{"method":"subscribe","success":true}', "kraken"),
        ('{"event":"systemStatus","status":"online"}', "kraken"),
        ('[1,{"a":[]},"book-10","XBT/USD"]', "kraken"),
        ('["a",{"a":[]},"book-10","XBT/USD"]', None),
        ("[1,2]", None),
        ("[" * 10_000, None),
        ('{"event":"pong"}', None),
        ("{", None),
    ],
)
def test_the_exchange_is_known_by_the_fields(frame: str, exchange: str | None) -> None:
    assert exchange_of(frame.encode()) == exchange


@pytest.mark.parametrize(
    ("first", "fits"),
    [(b'{"a":1}', True), (b"1700000000000 []", True), (b"1700000000.5: {}", False), (b"", False)],
)
def test_the_format_is_known_by_the_first_line(first: bytes, fits: bool) -> None:
    assert is_json_lines(first) is fits
