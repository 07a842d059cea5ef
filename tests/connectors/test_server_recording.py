"""A server that records its venues: what it writes, and what it does where it cannot."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from floorwire.app import Gateway
from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.connectors import recording, venue_registry
from floorwire.core.venue_traffic import RecordingCounts
from floorwire.ops.venue_traffic_metrics import recordings
from tests.connectors.local_venue import tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange


def settings(folder: Path, kind: str, **own: str | None) -> Settings:
    venue = VenueSettings(kind=kind, record=os.fspath(folder / "recorded"), **own)  # type: ignore[arg-type]
    return Settings(data=os.fspath(folder / "data"), venue=("here",), venues={"here": venue})


async def test_a_server_records_what_its_connections_carry(tmp_path: Path) -> None:
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        given = settings(tmp_path, "binance", ws_url=ws_url, rest_url=f"http://127.0.0.1:{port}")
        gateway = Gateway(given, venue_registry.build(given))
        async with gateway.running():
            async with asyncio.timeout(20):
                while gateway.stats.recordings["here"].messages < 20:
                    await asyncio.sleep(0.01)
    read = recording.read(tmp_path / "recorded")
    assert (read.adapter, read.skipped) == ("binance", ())
    assert read.frames == gateway.stats.recordings["here"].messages
    assert len(read.answers) >= 2


def test_a_venue_that_connects_to_nothing_is_not_recorded(tmp_path: Path) -> None:
    given = settings(tmp_path, "sim")
    with pytest.raises(SettingsError, match=r"venues\.here\.record: a sim venue connects to nothing"):
        Gateway(given, venue_registry.build(given))


def test_a_folder_that_cannot_be_made_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "recorded").write_text("")
    given = settings(tmp_path, "binance", ws_url="ws://127.0.0.1:9", rest_url="http://127.0.0.1:9")
    with pytest.raises(SettingsError, match=r"^venues\.here\.record: .*there is something else of that name"):
        Gateway(given, venue_registry.build(given))


async def test_a_full_disk_ends_the_recording_and_not_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorwire.connectors.traffic_recorder.FLUSH_S", 0.01)
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        given = settings(tmp_path, "binance", ws_url=ws_url, rest_url=f"http://127.0.0.1:{port}")
        gateway = Gateway(given, venue_registry.build(given))
        async with gateway.running():
            counts = gateway.stats.recordings["here"]

            def full(_writer: object, _data: bytes) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            monkeypatch.setattr("floorwire.connectors.recording_writer.RecordingWriter._put", full)
            async with asyncio.timeout(20):
                while not counts.is_failed:
                    await asyncio.sleep(0.01)
                before = gateway.stats.venue_events["here"]
                while gateway.stats.venue_events["here"] <= before:
                    await asyncio.sleep(0.01)


def test_the_metrics() -> None:
    counts = RecordingCounts()
    counts.messages, counts.left_out, counts.is_failed = 5, 2, True
    samples = {sample.name: sample.value for metric in recordings({"a": counts}) for sample in metric.samples}
    assert samples == {
        "floorwire_recorded_messages_total": 5,
        "floorwire_recording_left_out_total": 2,
        "floorwire_recording_failed": 1,
    }
