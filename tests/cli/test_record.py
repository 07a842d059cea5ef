"""``floorwire record`` against a small exchange of the test, and what it wrote played again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorwire.cli import application
from floorwire.connectors import recording
from floorwire.connectors.recording_files import RecordingError
from floorwire.core.market_events import BookChange, BookSnapshot, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from tests.connectors.local_venue import tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange
from tests.venues.driver import every

HERE = ("record", "--venue", "here", "--set", "venues.here.kind=binance")


@asynccontextmanager
async def recorder(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run it as a process, against a small exchange."""
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        urls = (
            "--set",
            f"venues.here.ws_url={ws_url}",
            "--set",
            f"venues.here.rest_url=http://127.0.0.1:{port}",
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "floorwire", *HERE, *urls, *arguments),
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def played(path: Path) -> list[VenueOutput]:
    venue = recording.replay(recording.read(path), speed=None)
    out = list(venue.start(0))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), 0)
    return out


def recorded(folder: Path) -> int:
    """Return how many messages can be read so far."""
    try:
        return recording.read(folder).frames
    except (OSError, RecordingError):
        return 0


async def test_what_an_exchange_sends_is_recorded_and_plays_again(tmp_path: Path) -> None:
    out = tmp_path / "made"
    live = ("--set", "live.enabled=true", "--set", "venues.here.orders=live", "--set", "venues.here.key=k")
    secret = ("--set", "venues.here.secret_env=UNSET")
    async with recorder("--for", "1.5s", "--out", os.fspath(out), *live, *secret) as process:
        said, _ = await process.communicate()
    assert process.returncode == 0
    assert "messages of 1 symbols" in said.decode()
    assert f"to play it: floorwire serve --venue replay:{out}/here-20" in said.decode()
    read = recording.read(out)
    assert (read.adapter, read.skipped) == ("binance", ())
    assert read.symbols
    events = played(out)
    assert every(events, BookSnapshot)
    assert every(events, BookChange)
    assert every(events, Trade)


@pytest.mark.slow
async def test_a_signal_ends_it_in_good_form_and_a_kill_loses_a_second(tmp_path: Path) -> None:
    for number, name in ((signal.SIGTERM, "term"), (signal.SIGKILL, "kill")):
        out = tmp_path / name
        async with recorder("--out", os.fspath(out)) as process:
            async with asyncio.timeout(30):
                while not recorded(out):
                    await asyncio.sleep(0.1)
            process.send_signal(number)
            await process.communicate()
        read = recording.read(out)
        assert every(played(out), BookSnapshot)
        if number == signal.SIGTERM:
            assert process.returncode == 0
            assert read.skipped == ()
        else:
            assert [one.reason for one in read.skipped] == ["broken_file"]


@pytest.mark.slow
async def test_an_exchange_that_does_not_answer(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "floorwire", *HERE, "--for", "0.5", "--out", os.fspath(tmp_path)),
        *("--set", "venues.here.ws_url=ws://127.0.0.1:9", "--set", "venues.here.rest_url=http://127.0.0.1:9"),
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert process.returncode == 1
    assert "the exchange sent nothing" in complaint.decode()


def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for arguments, said in (
        (("--venue", "sim"), "sim is no exchange"),
        (("--venue", "replay:x"), "there is no such file"),
        (("--venue", "nobody"), "'nobody' is none of"),
        (("--venue", "binance", "--for", "soon"), "is no duration"),
        (("--venue", "binance", "--out", f"{file}/folder"), "a part of this path is a file"),
    ):
        result = CliRunner().invoke(application(), ["record", *arguments])
        assert result.exit_code == 2
        assert said in result.output
