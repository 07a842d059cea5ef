"""Recordings that cannot be played as they are: refused at the start, or what is left out is said."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from floorwire.config import Settings, SettingsError
from floorwire.connectors import recording, recording_preview, venue_registry
from floorwire.connectors.recording_files import RecordingError
from floorwire.core.market_events import Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.venues.replay import Replay
from tests.forked_python import run
from tests.venues.driver import every

OWN = Path(__file__).parent.parent / "recorded"
NOW = 5_000_000_000_000_000


def played(path: Path) -> list[VenueOutput]:
    replay: Replay = recording.replay(recording.read(path), speed=None)
    out = list(replay.start(NOW))
    while every(out[-1:], Wake):
        out += replay.receive(Woke(), NOW)
    return out


def build(*specs: str | Path) -> None:
    venue_registry.build(Settings(venue=tuple(f"replay:{spec}" for spec in specs)))


# --- compressed ---------------------------------------------------------------------------------------


def compressed(folder: Path, name: str = "binance") -> Path:
    for file in (OWN / name).iterdir():
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    return folder


@pytest.mark.parametrize("name", ["binance", "coinbase"])
def test_compressed_files_are_played_like_the_others(tmp_path: Path, name: str) -> None:
    assert played(compressed(tmp_path, name)) == played(OWN / name)


@pytest.mark.parametrize("name", ["BINANCE.0.gz", "BINANCE.http.0.0.gz", "BINANCE.ws.1.0.gz"])
def test_any_compressed_file_finds_the_others(tmp_path: Path, name: str) -> None:
    read = recording.read(compressed(tmp_path) / name)
    assert (read.frames, len(read.answers)) == (21, 5)


def test_a_file_in_both_forms_is_played_once(tmp_path: Path) -> None:
    compressed(tmp_path)
    (tmp_path / "BINANCE.ws.1.0").write_bytes((OWN / "binance" / "BINANCE.ws.1.0").read_bytes())
    assert played(tmp_path) == played(OWN / "binance")


def test_a_compressed_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "my session"
    file.write_bytes(gzip.compress((OWN / "coinbase" / "COINBASE.ws.3.0").read_bytes()))
    assert recording.read(file).frames == 25


def test_a_cut_or_broken_compressed_file_is_played_up_to_there(tmp_path: Path) -> None:
    whole = gzip.compress((OWN / "coinbase" / "COINBASE.ws.3.0").read_bytes())
    chance = random.Random(7)
    file = tmp_path / "x"
    for _ in range(60):
        broken = bytearray(whole[: chance.randrange(30, len(whole))])
        for _ in range(chance.randrange(3)):
            broken[chance.randrange(30, max(31, len(broken)))] ^= chance.randrange(1, 256)
        file.write_bytes(broken)
        read = recording.read(file, "coinbase")
        assert read.frames <= 25
        assert "broken_file" in {skipped.reason for skipped in read.skipped}
    file.write_bytes(whole[:-9])  # cut in the check sum: all lines are there
    read = recording.read(file, "coinbase")
    assert read.frames == 25
    assert [skipped.count for skipped in read.skipped if skipped.reason == "broken_file"] == [1]


# --- times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["1700000000.123456", "1700000000123456", "1700000000123456789"])
def test_times_of_lines_may_be_whole_numbers_of_any_precision(tmp_path: Path, time: str) -> None:
    file = tmp_path / "x"
    file.write_text(f"{time}: [1]\n")
    [_, frame] = recording.read(file, "coinbase").inputs()
    assert frame.at_us == 1_700_000_000_123_456


def test_a_recording_in_microseconds_is_played(tmp_path: Path) -> None:
    file = tmp_path / "x"
    lines = ["wss://stream.binance.com:9443/stream?streams=abcusdt@trade <-> 1700000000000000"]
    for number in range(1, 4):
        us = 1_700_000_000_000_000 + number * 250_000
        data = f'{{"e":"trade","s":"ABCUSDT","t":{number},"p":"10.00","q":"1","T":{us},"m":false}}'
        lines.append(f'{us}: {{"stream":"abcusdt@trade","data":{data}}}')
    file.write_text("\n".join(lines))
    assert [trade.ts_us - 1_700_000_000_000_000 for trade in every(played(file), Trade)] == [
        250_000,
        500_000,
        750_000,
    ]


# --- nothing to show ----------------------------------------------------------------------------------


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "BINANCE.ws.1.0"
    file.write_text("wss://stream.binance.com:9443/stream?streams=abcusdt@trade <-> 1700000000\n")
    with pytest.raises(SettingsError, match=r"BINANCE\.ws\.1\.0: has no message of an exchange"):
        build(file)
    file.write_text("")
    with pytest.raises(SettingsError, match="names no address"):
        build(file)
    with pytest.raises(SettingsError, match="has no message of an exchange"):
        build(f"{file},adapter=binance")


def test_the_adapter_of_another_exchange_than_the_recorded_one_is_refused() -> None:
    with pytest.raises(RecordingError, match=r"is of binance, not of coinbase"):
        recording.read(OWN / "binance", "coinbase")


FRAME = (
    '1700000000.{:03d}: {{"stream":"abcusdt@trade","data":{{"e":"trade","s":"ABCUSDT","t":{},"p":"{}",'
    '"q":"1","T":1700000000000,"m":false}}}}'
)


def frames(count: int, price: str = "10.00", first_id: int = 1) -> str:
    return "\n".join(FRAME.format(n % 1000, first_id + n, price) for n in range(count)) + "\n"


def test_a_recording_that_the_adapter_does_not_understand_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(frames(30))
    with pytest.raises(SettingsError, match=r"as of coinbase, none of its 30 messages .*other_kind 30"):
        build(f"{file},adapter=coinbase")


def off_tick(folder: Path, count: int, good: int = 0) -> Path:
    filters = '[{"filterType":"PRICE_FILTER","tickSize":"0.5"},{"filterType":"LOT_SIZE","stepSize":"0.1"}]'
    names = '"symbol":"ABCUSDT","status":"TRADING","baseAsset":"ABC","quoteAsset":"USDT"'
    url = "https://api.binance.com/api/v3/exchangeInfo"
    (folder / "BINANCE.0").write_text(
        f'{url} -> 1700000000: {{"symbols":[{{{names},"filters":{filters}}}]}}\n'
    )
    (folder / "BINANCE.ws.1.0").write_text(frames(count, "10.01") + frames(good, "10.50", count + 1))
    return folder


def test_a_recording_of_prices_between_the_ticks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"as of binance, none of its 20 messages .*off_tick 20"):
        build(off_tick(tmp_path, 20))


def test_a_long_beginning_without_shown_events_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(off_tick(tmp_path, 2_000, good=5))
    monkeypatch.setattr(recording_preview, "PREVIEW_MESSAGES", 2_000)
    with capture_logs() as logs:
        build(off_tick(tmp_path, 2_000, good=5))
    [said] = [line for line in logs if line["log_level"] == "warning"]
    assert (said["event"], said["skipped"]) == ("nothing comes of the beginning", "off_tick 2000")


@pytest.mark.parametrize("name", ["binance", "coinbase"])
def test_good_recordings_start_without_that_warning(name: str) -> None:
    with capture_logs() as logs:
        build(OWN / name)
    assert "nothing comes of the beginning" not in {line["event"] for line in logs}


def test_skipped_lines_are_logged_with_their_numbers() -> None:
    with capture_logs() as logs:
        build(OWN / "coinbase")
    [said] = [line for line in logs if line["event"] == "recording is not whole"]
    assert (said["reason"], said["count"]) == ("broken_message", 2)
    assert said["lines"] == "COINBASE.ws.3.0:15 COINBASE.ws.3.0:44"


# --- several at once ----------------------------------------------------------------------------------


def test_two_recordings_of_one_exchange_are_two_venues(tmp_path: Path) -> None:
    specs = tuple(f"replay:{path}" for path in (OWN / "binance", OWN / "coinbase", compressed(tmp_path)))
    names = [venue.name for venue in venue_registry.build(Settings(venue=specs))]
    assert names == ["binance", "coinbase", "binance-2"]


def test_the_command_prints_the_reason_and_exits_with_2(tmp_path: Path) -> None:
    serve = ["-m", "floorwire", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    venue = ["--venue", f"replay:{OWN / 'binance'},id=one"]
    ended = run(*serve, *venue, *venue)
    assert ended.returncode == 2
    assert "there is a venue one already" in ended.stderr
    assert "Traceback" not in ended.stderr
