"""``floorwire replay`` against a real server that plays a recording, and what clients see of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from floorwire.auth.grant import Grant
from floorwire.cli import application
from floorwire.connectors import recording
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.cli.operator import key_file, operate, written
from tests.servers import Server
from tests.trading.trader import FREE, Trader, serving, trader

FILE = Path(__file__).parent.parent / "recorded" / "okx"
RECORDED = recording.read(FILE)
MIDDLE = (RECORDED.first_us + RECORDED.last_us) // 2


@pytest.fixture(scope="module")
def server(folder: Path, file: Path, issued: Issued) -> Iterator[Server]:
    venues = ("--venue", "sim", "--venue", f"replay:{FILE},id=played")
    with serving(folder, *FREE, *venues, "--speed", "0.01") as running:
        yield running


def shown(server: Server, file: Path) -> dict[str, object]:
    [replay] = json.loads(operate(server.http(), file, "replay", "show", "--json").stdout)
    assert isinstance(replay, dict)
    return replay


def test_where_it_stands(server: Server, file: Path) -> None:
    replay = shown(server, file)
    assert (replay["venue"], replay["first"], replay["last"]) == (
        "played",
        RECORDED.first_us,
        RECORDED.last_us,
    )
    assert "played" in operate(server.http(), file, "replay", "show").stdout


async def test_clients_see_a_pause_a_seek_and_a_new_book(server: Server, file: Path, issued: Issued) -> None:
    async with trader(server, issued) as client:
        reply = await client.ask("subscribe", channel="book", symbol="played:ABC-USDT")
        assert reply["status"] == "subscribed"
        await client.ask("subscribe", channel="trades", symbol="played:ABC-USDT")
        said = operate(server.http(), file, "replay", "pause").stdout
        assert said.startswith("played: paused at ")
        assert await feed_change(client) == ("stale", "paused")
        operate(server.http(), file, "replay", "seek", date(MIDDLE))
        assert await feed_change(client) == ("connecting", "seek")
        assert await feed_change(client) == ("stale", "paused")
        replay = shown(server, file)
        assert (replay["at"], replay["paused"], replay["seeking"]) == (MIDDLE, True, False)
        books = client.events["book"]
        assert books[-2]["type"] == "snapshot", "that of the time that was sought"
        operate(server.http(), file, "replay", "resume")
        assert await feed_change(client) == ("live", "resumed")
        assert shown(server, file)["paused"] is False


async def feed_change(client: Trader) -> tuple[object, object]:
    """Return what the next notice on trades says of the feed."""
    while True:
        message = await client.receive()
        if message.get("channel") == "trades" and message.get("event") == "gap":
            return message["feed"], message["reason"]


def date(us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).isoformat()


def test_steps_and_speed(server: Server, file: Path) -> None:
    operate(server.http(), file, "replay", "seek", date(MIDDLE), "--venue", "played")
    operate(server.http(), file, "replay", "pause")
    before = shown(server, file)["at"]
    assert isinstance(before, int)
    operate(server.http(), file, "replay", "seek", "+2s")
    assert shown(server, file)["at"] == before + 2_000_000
    operate(server.http(), file, "replay", "seek", "-1.5s")
    assert shown(server, file)["at"] == before + 500_000
    operate(server.http(), file, "replay", "seek", "-9h")
    replay = shown(server, file)
    assert replay["at"] == replay["first"]
    said = operate(server.http(), file, "replay", "speed", "0.02").stdout
    assert said.endswith(", 0.02 times as fast\n")
    assert shown(server, file)["speed"] == 0.02
    operate(server.http(), file, "replay", "resume")


def test_what_cannot_be_done_is_refused(server: Server, file: Path) -> None:
    said = operate(server.http(), file, "replay", "seek", "2001-01-01", code=1).output
    assert "the recording is from" in said
    assert "is no date" in operate(server.http(), file, "replay", "seek", "soon", code=2).output
    said = operate(server.http(), file, "replay", "pause", "--venue", "sim", code=2).output
    assert "sim plays no recording; there are: played" in said


def test_only_an_admin_of_everything_may(server: Server, folder: Path, file: Path) -> None:
    market = key_file(folder, "reader", (Scope.MARKET,))
    assert "needs the scope admin" in operate(server.http(), market, "replay", "show", code=4).output
    status, reply = patch(server, market, "played", {"paused": True})
    assert (status, reply["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "narrow",
    [
        Grant("alice", (Scope.ADMIN,), accounts=("alice",)),
        Grant("ops", (Scope.ADMIN,), symbols=("BTC-USDT",)),
    ],
    ids=["account", "symbol"],
)
def test_a_narrowed_admin_neither_sees_nor_changes_a_replay(
    server: Server, folder: Path, narrow: Grant
) -> None:
    made = DataDir(folder, {}).keys.create(narrow, {}, time.time_ns() // 1_000)
    file = written(folder.with_name(f"{folder.name}-narrow-{narrow.account}.key"), made)
    assert "concerns all accounts" in operate(server.http(), file, "replay", "show", code=4).output
    assert "concerns all accounts" in operate(server.http(), file, "replay", "pause", code=4).output
    status, reply = patch(server, file, "played", {"paused": True})
    assert (status, reply["code"]) == (403, "forbidden")


def test_bodies_of_programs(server: Server, file: Path) -> None:
    for venue, body, field in (
        ("sim", {"paused": True}, "venue"),
        ("nothing", {"paused": True}, "venue"),
        ("played", {"at": 1}, "at"),
        ("played", {"speed": -1}, "body.speed"),
        ("played", {"speed": 5e-324, "paused": True}, "speed"),
        ("played", {"speed": 1e9}, "body.speed"),
        ("played", {"pause": True}, "body.pause"),
    ):
        status, reply = patch(server, file, venue, body)
        assert (status, reply["code"]) == (400, "bad_request"), reply
        details = reply["details"]
        assert isinstance(details, dict)
        assert details["field"] == field
    status, reply = patch(server, file, "played", {})
    assert (status, reply["status"], reply["venue"]) == (200, "ok", "played")


def patch(
    server: Server, file: Path, venue: str, body: Mapping[str, object]
) -> tuple[int, dict[str, object]]:
    url = server.http(f"/api/v1/replays/{venue}")
    headers = {"authorization": f"Bearer {file.read_text().strip()}", "content-type": "application/json"}
    response = httpx2.patch(url, content=json.dumps(body), headers=headers)
    reply = response.json()
    assert isinstance(reply, dict)
    return response.status_code, reply


def test_without_a_replay_there_is_nothing_to_show() -> None:
    assert CliRunner().invoke(application(), ["replay", "show", "--url", "http://127.0.0.1:9"]).exit_code != 0
