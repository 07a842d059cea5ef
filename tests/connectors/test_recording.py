from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from floorwire.connectors import recording
from floorwire.connectors.recorded_line import SkippedLines
from floorwire.connectors.recording_files import RecordingError
from floorwire.core.market_events import BookSnapshot, Listing, Trade
from floorwire.core.ports import Closed, Frame, Opened, VenueOutput, Wake, Woke
from floorwire.core.replay_controls import SpeedError
from floorwire.venues.replay import Replay
from tests.venues.driver import every, rebuilt, statuses

OWN = Path(__file__).parent.parent / "recorded"
FRAME = '1700000000.5: {"type":"heartbeat"}\n'
NOW = 5_000_000_000_000_000


def played(replay: Replay) -> list[VenueOutput]:
    """Play to the end as fast as possible."""
    out = list(replay.start(NOW))
    while every(out[-1:], Wake):
        out += replay.receive(Woke(), NOW)
    return out


def test_a_folder_with_one_venue_is_one_session() -> None:
    read = recording.read(OWN / "binance")
    assert read.adapter == "binance"
    assert read.symbols == ("ABCUSDT", "XYZEUR")
    assert read.frames == 21
    assert [answer.url.rpartition("/")[2][:12] for answer in read.answers] == [
        "exchangeInfo",
        *["depth?symbol"] * 4,
    ]
    assert read.skipped == ()


@pytest.mark.parametrize("name", ["BINANCE.0", "BINANCE.http.0.0", "BINANCE.ws.1.0"])
def test_any_file_of_a_session_finds_the_others(name: str) -> None:
    read = recording.read(OWN / "binance" / name)
    assert (read.frames, len(read.answers)) == (21, 5)


def test_skipped_lines_are_reported() -> None:
    read = recording.read(OWN / "coinbase" / "COINBASE.ws.3.0")
    assert read.symbols == ("ABC-USDT", "XYZ-EUR")
    assert read.skipped == (SkippedLines("broken_message", 2, ["COINBASE.ws.3.0:15", "COINBASE.ws.3.0:44"]),)


def test_a_folder_with_several_venues_is_refused(tmp_path: Path) -> None:
    for name in ("A.ws.1.0", "B.ws.1.0"):
        (tmp_path / name).write_text(FRAME)
    with pytest.raises(RecordingError, match=r"has sessions of A, B: name a file"):
        recording.read(tmp_path)
    with pytest.raises(RecordingError, match=r"no VENUE\.ws\.N\.0"):
        recording.read(tmp_path_with(tmp_path / "empty"))


def tmp_path_with(folder: Path) -> Path:
    folder.mkdir()
    (folder / "notes.txt").write_text("")
    return folder


def test_a_socket_file_plays_alone_and_an_answer_file_plays_all(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        (tmp_path / f"X.ws.{number}.0").write_text(FRAME)
    (tmp_path / "X.ws.2.10").write_text(FRAME)
    (tmp_path / "X.ws.2.9").write_text(FRAME)
    (tmp_path / "X.0").write_text("https://api.exchange.coinbase.com/products -> 1700000000: []\n")
    (tmp_path / "XY.ws.1.0").write_text(FRAME)
    assert recording.read(tmp_path / "X.ws.9.0").frames == 1
    whole = recording.read(tmp_path / "X.0")
    assert whole.frames == 5
    assert whole.adapter == "coinbase"
    inputs = list(whole.inputs())
    assert [what.happened.link for what in inputs if isinstance(what.happened, Opened)] == [
        "X.ws.2",
        "X.ws.9",
        "X.ws.10",
    ]


def test_a_file_with_another_name_is_a_session_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "my session.log"
    file.write_bytes((OWN / "coinbase" / "COINBASE.ws.3.0").read_bytes())
    read = recording.read(file)
    assert (read.adapter, read.frames, read.answers) == ("coinbase", 25, [])
    assert every(played(recording.replay(read, speed=None)), Trade)


def test_an_answer_file_without_sockets_is_played_alone(tmp_path: Path) -> None:
    file = tmp_path / "COINBASE.0"
    shutil.copy(OWN / "coinbase" / "COINBASE.0", file)
    assert recording.read(file).frames == 0


def test_the_adapter_is_found_by_address_or_named(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(f"wss://exchange.example <-> 1700000000\nhttps://[ -> 1700000000: 1\n{FRAME}")
    known = ", ".join(recording.exchanges())
    with pytest.raises(RecordingError, match=f"names no address of {known}: say which"):
        recording.read(file)
    with pytest.raises(RecordingError, match="there is no adapter 'nowhere'") as raised:
        recording.read(file, "nowhere")
    assert raised.value.path == file
    assert recording.read(file, "coinbase").adapter == "coinbase"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"X\.ws\.1\.0"):
        recording.read(tmp_path / "X.ws.1.0")


def test_a_second_open_line_means_that_the_socket_was_lost(tmp_path: Path) -> None:
    file = tmp_path / "x"
    opened = "wss://ws-feed.exchange.coinbase.com <-> {}\n"
    file.write_text(FRAME + opened.format("1700000001") + opened.format("1700000002"))
    assert [
        (what.at_us // 1_000_000 - 1_700_000_000, what.happened) for what in recording.read(file).inputs()
    ] == [
        (0, Opened("x")),
        (0, Frame("x", b'{"type":"heartbeat"}')),
        (1, Closed("x", "reconnected")),
        (1, Opened("x")),
        (2, Closed("x", "reconnected")),
        (2, Opened("x")),
    ]


def test_time_never_goes_back(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("1700000005: [1]\n1700000003: [2]\n1700000006: [3]\n")
    inputs = recording.read(file, "coinbase").inputs()
    assert [what.at_us // 1_000_000 - 1_700_000_000 for what in inputs] == [5, 5, 5, 6]


def test_a_file_deleted_while_it_is_played_ends_the_recording(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(FRAME)
    read = recording.read(file, "coinbase")
    file.unlink()
    assert statuses(played(recording.replay(read, speed=None)))[-1] == (None, "stale", "ended")


def test_replay_puts_the_prefix_before_symbols_and_refuses_a_bad_speed() -> None:
    read = recording.read(OWN / "binance")
    out = played(recording.replay(read, "binance:", None))
    assert {listing.instruments[0].symbol for listing in every(out, Listing)} == {
        "binance:ABC-USDT",
        "binance:XYZ-EUR",
    }
    with pytest.raises(SpeedError):
        recording.replay(read, speed=-1)


def test_the_own_binance_session_has_a_late_and_an_old_snapshot_and_a_gap() -> None:
    replay = recording.replay(recording.read(OWN / "binance"), speed=None)
    out = played(replay)
    assert replay.name == "binance"
    assert statuses(out) == [
        (None, "connecting", "start"),
        ("XYZ-EUR", "connecting", "start"),
        (None, "live", "synced"),
        ("ABC-USDT", "live", "synced"),
        ("XYZ-EUR", "live", "synced"),
        ("ABC-USDT", "stale", "sequence_gap"),
        ("ABC-USDT", "live", "synced"),
        (None, "stale", "ended"),
    ]
    first = every(out, BookSnapshot)[0]
    assert first.bids == ((1000, 20), (999, 17)), "9.985 is off the ticks, 106 is applied to 105"
    assert first.asks == ((1002, 25), (1003, 10))
    book = rebuilt(out, "ABC-USDT")
    assert (book.bids.top(9), book.asks.top(9)) == ([(1001, 42), (1000, 10)], [(1002, 20), (1003, 60)])
    book = rebuilt(out, "XYZ-EUR")
    assert (book.bids.top(9), book.asks.top(9)) == ([(4999, 7)], [(5005, 3), (5010, 9)])
    assert replay.skipped == {"off_tick": 1, "repeated": 1, "old_snapshot": 1}


def test_the_own_coinbase_session_has_a_lost_trade_a_reconnect_and_broken_lines() -> None:
    out = played(recording.replay(recording.read(OWN / "coinbase"), speed=None))
    assert [said for said in statuses(out) if said[1] == "stale"] == [
        ("ABC-USDT", "stale", "sequence_gap"),
        (None, "stale", "link_lost"),
        ("XYZ-EUR", "stale", "link_lost"),
        (None, "stale", "ended"),
    ]
    assert [trade.trade_id for trade in every(out, Trade)] == ["70", "71", "72", "74"]
    book = rebuilt(out, "ABC-USDT")
    assert (book.bids.top(9), book.asks.top(9)) == ([(1001, 10), (1000, 22)], [(1002, 20)])


@pytest.mark.parametrize("name", ["BINANCE.0", "BINANCE.http.0.0", "BINANCE.ws.1.0"])
def test_a_session_with_any_file_cut_anywhere_plays(tmp_path: Path, name: str) -> None:
    for file in (OWN / "binance").iterdir():
        shutil.copy(file, tmp_path)
    whole = (OWN / "binance" / name).read_bytes()
    for cut in range(0, len(whole), 97):
        (tmp_path / name).write_bytes(whole[:cut])
        out = played(recording.replay(recording.read(tmp_path, "binance"), speed=None))
        assert statuses(out)[-1] == (None, "stale", "ended")
        if name != "BINANCE.ws.1.0":
            assert [trade.trade_id for trade in every(out, Trade)] == ["72", "73"], (
                "prints need no other file"
            )
