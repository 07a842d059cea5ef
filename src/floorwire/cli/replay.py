"""``floorwire replay``: where replays of a running server stand; seek, pause, resume and speed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias
from urllib.parse import quote

import msgspec
import typer
from typer import Context
from typer.core import TyperCommand

from floorwire.cli.admin_client import AdminClient, admin_client
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, Json, KeyFile, ProfileName, Url
from floorwire.cli.command_error import fail
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table

app = typer.Typer(
    name="replay", help="Recordings that a running server plays: seek, pause, speed.", no_args_is_help=True
)

VenueOption: TypeAlias = Annotated[
    str, typer.Option(help="The venue's id. It may be left out where only one plays a recording.")
]
STEP = re.compile(r"(?P<sign>[+-])(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>s|m|h)")
UNITS_S = {"s": 1, "m": 60, "h": 3600}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StepCommand(TyperCommand):
    """A command that takes a step back such as -9h, which is no group of options."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override] # typer hides its type
        """Put steps behind ``--``."""
        steps = [argument for argument in args if STEP.fullmatch(argument)]
        others = [argument for argument in args if argument not in steps]
        return super().parse_args(ctx, [*others, "--", *steps] if steps and "--" not in args else args)


class ReplayStatus(msgspec.Struct, frozen=True):
    """Where a replay stands. Times are recorded ones, in microseconds."""

    venue: str
    first: int
    last: int
    at: int
    speed: float
    paused: bool
    seeking: bool
    ended: bool
    round: int

    @property
    def state(self) -> str:
        """What it does, in a word."""
        if self.seeking:
            return "seeking"
        return "ended" if self.ended else "paused" if self.paused else "playing"


class _Replays(msgspec.Struct, frozen=True):
    replays: list[ReplayStatus]


@app.command()
def show(
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """List the replays, and where each stands."""
    with admin_client(url, key_file, ca, profile) as server:
        replays = _list(server)
    if json:
        echo(msgspec.json.encode(replays))
        return
    table = Table("venue", "state", "at", "from", "to", "speed")
    for one in replays:
        speed = f"{one.speed:g}" if one.speed else "at once"
        table.add_row(one.venue, one.state, _date(one.at), _date(one.first), _date(one.last), speed)
    print_table(table)


@app.command()
def pause(
    venue: VenueOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Stand still. Clients see the venue as stale: paused."""
    with admin_client(url, key_file, ca, profile) as server:
        _change(server, _named(server, venue), {"paused": True}, json=json)


@app.command()
def resume(
    venue: VenueOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Go on from where it stands."""
    with admin_client(url, key_file, ca, profile) as server:
        _change(server, _named(server, venue), {"paused": False}, json=json)


@app.command()
def speed(
    times: Annotated[float, typer.Argument(help="Times as fast as recorded; 0: as fast as possible.", min=0)],
    venue: VenueOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Set the speed."""
    with admin_client(url, key_file, ca, profile) as server:
        _change(server, _named(server, venue), {"speed": times}, json=json)


@app.command(cls=StepCommand)
def seek(
    time: Annotated[
        str, typer.Argument(help="A recorded time such as 2024-08-08T00:00:00Z, or a step: +30s, -5m.")
    ],
    venue: VenueOption = "",
    url: Url = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Go on from another time. Clients get new books; the venue is connecting until then."""
    with admin_client(url, key_file, ca, profile) as server:
        replay = _named(server, venue)
        _change(server, replay, {"at": _time(time, replay)}, json=json)


def _list(server: AdminClient) -> list[ReplayStatus]:
    return server.request("GET", "/replays", _Replays).replays


def _named(server: AdminClient, venue: str) -> ReplayStatus:
    replays = _list(server)
    found = [one for one in replays if not venue or one.venue == venue]
    if len(found) != 1:
        names = ", ".join(one.venue for one in replays) or "none"
        what = f"{venue} plays no recording" if venue else "say which, --venue ID"
        fail(f"{what}; there are: {names}", ExitCode.UNUSABLE)
    return found[0]


def _change(server: AdminClient, replay: ReplayStatus, change: dict[str, object], *, json: bool) -> None:
    now = server.request("PATCH", f"/replays/{quote(replay.venue)}", ReplayStatus, body=change)
    if json:
        echo(msgspec.json.encode(now))
        return
    times = f"{now.speed:g} times as fast" if now.speed else "as fast as possible"
    echo(f"{now.venue}: {now.state} at {_date(now.at)}, {times}")


def _time(text: str, replay: ReplayStatus) -> int:
    """Return a recorded time in microseconds: a date, or a step from where it stands."""
    step = STEP.fullmatch(text)
    if step is not None:
        by_us = round(float(step["number"]) * UNITS_S[step["unit"]] * 1_000_000)
        at_us = replay.at + (by_us if step["sign"] == "+" else -by_us)
        return min(max(at_us, replay.first), replay.last)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date and no step", param_hint="TIME") from None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


def _date(us: int) -> str:
    return f"{EPOCH + timedelta(microseconds=us):%Y-%m-%d %H:%M:%S}"
