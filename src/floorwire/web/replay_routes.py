"""HTTP routes of operators for replays: where each stands; seek, pause, resume and speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias, TypeVar

import structlog
from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.replay_controls import (
    LEAST_SPEED,
    MOST_SPEED,
    Pause,
    ReplayControl,
    ReplayPosition,
    Seek,
    SeekError,
    SetSpeed,
    SpeedError,
    Unpause,
)
from floorwire.protocol.requests import SAFE
from floorwire.web.admin_replies import ReplayChanged, ReplayList, ReplayRow
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1/replays",
    tags=["operators"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

VenuePath: TypeAlias = Annotated[str, Path(max_length=64)]

RowT = TypeVar("RowT", bound=ReplayRow)

log = structlog.get_logger("floorwire.venues")


@dataclass(frozen=True)
class ReplayChange:
    """What to change. ``at``: go on from this recorded time, in microseconds. ``speed``: 0 means at once.

    What is left out stays as it is. The time is changed first, then the speed, then the pause.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    at: Annotated[int, Field(strict=True, ge=0, le=SAFE)] | None = None
    speed: Annotated[float, Field(strict=True, ge=0, le=MOST_SPEED, allow_inf_nan=False)] | None = None
    paused: Annotated[bool, Field(strict=True)] | None = None

    def controls(self) -> list[ReplayControl]:
        """Return the controls in order."""
        controls: list[ReplayControl] = []
        if self.paused is True:
            controls.append(Pause())
        if self.at is not None:
            controls.append(Seek(self.at))
        if self.speed is not None:
            controls.append(SetSpeed(self.speed or None))
        if self.paused is False:
            controls.append(Unpause())
        return controls


@router.get("", responses=gives_json(ReplayList))
async def list_replays(auth: RequestAuth) -> Response:
    """List the venues that play a recording, and where each stands."""
    auth.require(Action.REPLAYS_LIST)
    positions = ((feed.name, feed.position()) for feed in auth.gateway.feeds)
    rows = [_row(ReplayRow, name, position) for name, position in positions if position is not None]
    return answer(ReplayList(replays=rows))


@router.patch("/{venue}", responses=gives_json(ReplayChanged))
async def change_replay(auth: RequestAuth, venue: VenuePath, change: ReplayChange) -> Response:
    """Seek, pause, resume, or set the speed. All clients see it: ``stale paused``, ``connecting seek``."""
    auth.require(Action.REPLAYS_CONTROL)
    feed = next((feed for feed in auth.gateway.feeds if feed.name == venue), None)
    position = None if feed is None else feed.position()
    if feed is None or position is None:
        raise Refusal(Code.BAD_REQUEST, "venue: plays no recording", {"field": "venue"})
    if change.at is not None and not position.first_us <= change.at <= position.last_us:
        raise _outside(position.first_us, position.last_us)
    if change.speed and change.speed < LEAST_SPEED:
        raise Refusal(Code.BAD_REQUEST, str(SpeedError(change.speed)), {"field": "speed"})
    for control in change.controls():
        try:
            position = feed.control(control) or position
        except SeekError as error:
            raise _outside(error.first_us, error.last_us) from None
    _record(auth, venue, change)
    return answer(_row(ReplayChanged, venue, position))


def _outside(first_us: int, last_us: int) -> Refusal:
    message = f"at: the recording is from {first_us} to {last_us}"
    return Refusal(Code.BAD_REQUEST, message, {"field": "at", "first": str(first_us), "last": str(last_us)})


def _record(auth: AuthContext, venue: str, change: ReplayChange) -> None:
    given = (("at", change.at), ("speed", change.speed), ("paused", change.paused))
    target = " ".join((venue, *(f"{name}={value}" for name, value in given if value is not None)))
    auth.gateway.authenticator.record(auth.principal, Action.REPLAYS_CONTROL, auth.address, target=target)
    log.info("replay changed", venue=venue, change=target)


def _row(kind: type[RowT], venue: str, position: ReplayPosition) -> RowT:
    return kind(
        venue=venue,
        first=position.first_us,
        last=position.last_us,
        at=position.at_us,
        speed=position.speed or 0,
        paused=position.is_paused,
        seeking=position.is_seeking,
        ended=position.is_ended,
        round=position.round,
    )
