"""Candles close while clients read them over real sockets: history, live events and REST meet.

The server's clock is set so that it crosses the end of minutes, hours, days, weeks and months within seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.clients import MSGPACK, Message
from tests.fake_exchange.candle_intervals import Interval, days, hours, minutes, months, seconds, week
from tests.servers import Server
from tests.stepped import StepClock, stepped

Intervals = Mapping[str, Interval]
SYMBOL = "BTC-USDT"
JSON = "floorwire.v1.json"
# Those of the fake exchange: what begins when is said twice, so that one error is not in both.
INTERVALS: dict[str, Interval] = {
    "1s": seconds(1),
    **{f"{n}m": minutes(n) for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": hours(n) for n in (1, 2, 4, 6, 12)},
    "1d": days(1),
    "3d": days(3),
    "1w": week(),
    "1M": months(1),
}
SOME = {name: INTERVALS[name] for name in ("1s", "1m", "1h", "1d", "1w", "1M")}
VALUES = ("open", "high", "low", "close", "volume", "trades")
HISTORY = 20
SECOND_US = 1_000_000
LEADS_S = (8, 20, 60)
"""How long before the boundary the server is started. The first that is long enough is taken."""
JOIN_S = (-1.5, -0.4, -0.1, 0.0, 0.05, 0.3, 1.0)
"""When clients come, seen from the boundary."""
BEFORE_US, AFTER_US = 3 * SECOND_US, 3 * SECOND_US
MONTH_END = "2027-02-01"  # a Monday, too, and the end of three days: every interval ends
BOUNDARIES = {
    "2027-01-01": "1d 1M",
    "2028-03-01": "1d 1M",
    "2027-02-08": "1d 1w",
    "2027-02-10": "1d 3d",
    "2027-02-09T12:00": "12h",
    "2027-02-09T07:00": "1h",
    "2027-02-09T07:15": "15m",
    "2027-02-09T07:11": "1m",
}


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_US


def start_of(candle: Message) -> int:
    start = candle["start"]
    assert isinstance(start, int)
    return start


def ts_of(event: Message) -> int:
    ts = event["ts"]
    assert isinstance(ts, int)
    return ts


@contextmanager
def crossing(folder: Path, boundary_us: int, leads_s: Sequence[int]) -> Iterator[tuple[Server, StepClock]]:
    """Run a server that has started some seconds before its clock passes the boundary."""
    for lead_s in leads_s:
        data = folder / str(lead_s)
        data.mkdir()
        offset_us = boundary_us - lead_s * SECOND_US - StepClock(data / "now").date_us()
        with stepped(data, 3_600, offset_us=offset_us) as (server, clock):
            if clock.date_us() < boundary_us - BEFORE_US:
                yield server, clock
                return
    raise AssertionError("the server started too late each time")


class Follower:
    """A client that has subscribed to the candles of every interval, with history."""

    def __init__(
        self, connection: ClientConnection, clock: StepClock, intervals: Intervals, *, closed_only: bool
    ) -> None:
        self.intervals = intervals
        self._connection = connection
        self._clock = clock
        self.closed_only = closed_only
        self.past: dict[str, list[Message]] = {}
        self.live: dict[str, list[Message]] = {name: [] for name in intervals}
        self.closed_at_us: dict[tuple[str, int], int] = {}
        """When it was told that a candle closed."""

    async def follow(self, until_us: int) -> None:
        """Subscribe to all intervals, and read until this time has passed."""
        for name in self.intervals:
            request: Message = {"action": "subscribe", "channel": "candles", "symbol": SYMBOL}
            request |= {"interval": name, "history": HISTORY, "on_slow": "disconnect"}
            if self.closed_only:
                request["closed_only"] = True
            if self._connection.subprotocol == MSGPACK:
                await self._connection.send(msgspec.msgpack.encode(request))
            else:
                await self._connection.send(msgspec.json.encode(request), text=True)
        while self._clock.date_us() < until_us or len(self.past) < len(self.intervals):
            self._take(await self._receive())

    def closed(self, name: str) -> list[Message]:
        """Every closed candle that it was told, the past ones first."""
        return [*self.past[name], *(event for event in self.live[name] if event["closed"])]

    async def _receive(self) -> Message:
        data = await asyncio.wait_for(self._connection.recv(), 20)
        message: Message
        message = msgspec.json.decode(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
        return message

    def _take(self, message: Message) -> None:
        name = str(message.get("interval"))
        if "status" in message:
            assert message["status"] == "subscribed", message
        elif message.get("event") == "history":
            assert name not in self.past
            assert not self.live[name], "live events before the history"
            rows = message["candles"]
            assert isinstance(rows, list)
            self.past[name] = [row for row in rows if isinstance(row, dict)]
        else:
            self.live[name].append(message)
            if message["closed"]:
                self.closed_at_us[name, start_of(message)] = self._clock.date_us()


class Reader:
    """A client of REST that asks for the candles of every interval again and again."""

    def __init__(self, http: httpx2.AsyncClient, clock: StepClock, intervals: Intervals) -> None:
        self.intervals = intervals
        self._http = http
        self._clock = clock
        self.pages: dict[str, list[tuple[int, list[Message]]]] = {name: [] for name in intervals}
        """Each with the time when it was asked for."""

    async def read(self, until_us: int) -> None:
        while self._clock.date_us() < until_us:
            for name in self.intervals:
                asked_us = self._clock.date_us()
                query = {"symbol": SYMBOL, "interval": name, "limit": str(HISTORY)}
                response = await self._http.get("/api/v1/candles", params=query)
                if response.status_code == 429:  # it asks as fast as it can
                    await asyncio.sleep(response.json()["retry_after_ms"] / 1_000)
                    continue
                assert response.status_code == 200, response.text
                self.pages[name].append((asked_us, response.json()["candles"]))


def check_follower(seen: Follower, boundary_us: int) -> None:
    """Every closed candle came once, in order, without a hole, and no open one came after it had closed."""
    for name, interval in seen.intervals.items():
        past, live, closed = seen.past[name], seen.live[name], seen.closed(name)
        assert all(row["closed"] is True for row in past), name
        starts = [start_of(candle) for candle in closed]
        assert all(interval.end_us(old) == new for old, new in pairwise(starts)), (name, starts)
        assert all(interval.begin_us(start) == start for start in starts), (name, starts)
        if past and live:
            assert interval.end_us(starts[len(past) - 1]) == start_of(live[0]), (name, past[-1], live[0])
        for old, new in pairwise(live):
            due = interval.end_us(start_of(old)) if old["closed"] else start_of(old)
            assert start_of(new) == due, (name, old, new)
        ends_here = interval.begin_us(boundary_us) == boundary_us
        last = interval.begin_us(boundary_us - 1)
        assert Counter(starts)[last] == ends_here, (name, starts)
        if not seen.closed_only:
            is_begun = any(start_of(event) == boundary_us for event in live)
            assert is_begun is ends_here, name


def check_pages(seen: Reader) -> None:
    """Each page is without a hole or a double; what is closed stays what it is; nothing goes back."""
    for name, interval in seen.intervals.items():
        kept: dict[int, Message] = {}
        newest = 0
        for _, page in seen.pages[name]:
            starts = [start_of(candle) for candle in page]
            assert all(interval.end_us(old) == new for old, new in pairwise(starts)), (name, starts)
            assert all(candle["closed"] is True for candle in page[:-1]), (name, page)
            for candle in page:
                if candle["closed"]:
                    assert kept.setdefault(start_of(candle), candle) == candle, name
            newest = max([newest, *starts[-1:]])
            assert starts[-1:] in ([], [newest]), (name, starts)


def check_meeting(followers: list[Follower], reader: Reader, boundary_us: int) -> None:
    """All clients were told the same, and REST had what a follower had been told before it was asked."""
    first_us = min(ts_of(event) for events in followers[0].live.values() for event in events)
    told: dict[tuple[str, int], list[object]] = {}
    for name, pages in reader.pages.items():
        for asked_us, page in pages:
            closed = {start_of(candle): candle for candle in page if candle["closed"]}
            for start, candle in closed.items():
                told[name, start] = [candle[value] for value in VALUES]
            for (other, start), told_us in followers[0].closed_at_us.items():
                if other == name and told_us < asked_us and start >= min(closed, default=start):
                    assert start in closed, (name, start, closed.keys())
    for name, interval in reader.intervals.items():
        if interval.begin_us(boundary_us) == boundary_us:
            assert (name, interval.begin_us(boundary_us - 1)) in told, name
        for candle in (candle for follower in followers for candle in follower.closed(name)):
            start = start_of(candle)
            if "incomplete" in candle:
                # A start of the server counts as a hole until a second after it.
                assert start <= first_us + SECOND_US, (name, candle)
            elif (name, start) in told:
                assert [candle[value] for value in VALUES] == told[name, start], (name, candle)


async def cross(
    server: Server, clock: StepClock, boundary_us: int, intervals: Intervals, joins_s: Sequence[float]
) -> tuple[list[Follower], Reader]:
    """Follow and read candles until the boundary is behind. Clients come before it, at it and after it."""
    until_us = boundary_us + AFTER_US
    followers: list[Follower] = []

    async def follow(join_us: int, encoding: str, *, closed_only: bool) -> None:
        await asyncio.sleep((join_us - clock.date_us()) / SECOND_US)
        protocols = [Subprotocol(encoding)]
        async with connect(server.ws(), subprotocols=protocols, max_size=None, compression=None) as socket:
            followers.append(Follower(socket, clock, intervals, closed_only=closed_only))
            await followers[-1].follow(until_us)

    async with httpx2.AsyncClient(base_url=server.http(""), verify=False, timeout=None) as http:
        reader = Reader(http, clock, intervals)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(0, JSON, closed_only=False))
            tasks.create_task(reader.read(until_us))
            tasks.create_task(follow(0, MSGPACK, closed_only=True))
            for number, join_s in enumerate(joins_s):
                join_us = boundary_us + int(join_s * SECOND_US)
                tasks.create_task(follow(join_us, (JSON, MSGPACK)[number % 2], closed_only=number % 3 == 0))
    return followers, reader


async def check_boundary(
    folder: Path, text: str, intervals: Intervals = INTERVALS, joins_s: Sequence[float] = JOIN_S,
    leads_s: Sequence[int] = LEADS_S,
) -> Reader:  # fmt: skip
    boundary_us = us(text)
    with crossing(folder, boundary_us, leads_s) as (server, clock):
        followers, reader = await cross(server, clock, boundary_us, intervals, joins_s)
    assert len(followers) == len(joins_s) + 2
    for follower in followers:
        check_follower(follower, boundary_us)
    check_pages(reader)
    check_meeting(followers, reader, boundary_us)
    return reader


async def test_seconds_minutes_hours_days_weeks_and_months_end_at_once(tmp_path: Path) -> None:
    await check_boundary(tmp_path, MONTH_END, SOME, JOIN_S[2:4])


@pytest.mark.slow
async def test_all_intervals_end_at_once(tmp_path: Path) -> None:
    boundary_us = us(MONTH_END)
    assert all(interval.begin_us(boundary_us) == boundary_us for interval in INTERVALS.values())
    await check_boundary(tmp_path, MONTH_END)


@pytest.mark.slow
@pytest.mark.parametrize("text", BOUNDARIES)
async def test_some_intervals_end_and_others_go_on(tmp_path: Path, text: str) -> None:
    boundary_us = us(text)
    ending = [name for name, interval in INTERVALS.items() if interval.begin_us(boundary_us) == boundary_us]
    assert set(BOUNDARIES[text].split()) <= set(ending) < set(INTERVALS)
    await check_boundary(tmp_path, text)


@pytest.mark.slow
async def test_a_whole_minute_ends(tmp_path: Path) -> None:
    """It began while the server ran, so that the live candle has all its trades."""
    reader = await check_boundary(tmp_path, MONTH_END, leads_s=(90,))
    last = us(MONTH_END) - 60 * SECOND_US
    rows = [row for _, page in reader.pages["1m"] for row in page if start_of(row) == last]
    assert rows
    assert all("incomplete" not in row and "simulated" not in row for row in rows)
