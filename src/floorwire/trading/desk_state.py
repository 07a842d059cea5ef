"""The states of the desk: what each holds, and which may follow which.

``docs/trading.md`` has the picture. While the journal works, the state holds the committer, which requests
go to; after a failure it holds what the next reading of the journal needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeAlias, TypeVar, final

from floorwire.trading.account_store import AccountStore
from floorwire.trading.committer import Committer
from floorwire.trading.risk_status import RiskStatus


class DeskPhase(Enum):
    """The names of the states."""

    NEW = "new"
    OPENING = "opening"
    RUNNING = "running"
    DRAINING = "draining"
    FAILED = "failed"
    RECOVERING = "recovering"
    CLOSING = "closing"
    CLOSED = "closed"


NEXT: Mapping[DeskPhase, frozenset[DeskPhase]] = {
    DeskPhase.NEW: frozenset({DeskPhase.OPENING, DeskPhase.CLOSED}),
    DeskPhase.OPENING: frozenset(
        {DeskPhase.OPENING, DeskPhase.RUNNING, DeskPhase.DRAINING, DeskPhase.FAILED, DeskPhase.CLOSED}
    ),
    DeskPhase.RUNNING: frozenset({DeskPhase.DRAINING, DeskPhase.FAILED, DeskPhase.CLOSING}),
    DeskPhase.DRAINING: frozenset({DeskPhase.FAILED, DeskPhase.CLOSING}),
    DeskPhase.FAILED: frozenset({DeskPhase.FAILED, DeskPhase.RECOVERING, DeskPhase.CLOSED}),
    DeskPhase.RECOVERING: frozenset(
        {DeskPhase.RECOVERING, DeskPhase.RUNNING, DeskPhase.DRAINING, DeskPhase.FAILED, DeskPhase.CLOSED}
    ),
    DeskPhase.CLOSING: frozenset({DeskPhase.CLOSED}),
    DeskPhase.CLOSED: frozenset(),
}
"""The legal transitions. OPENING, FAILED and RECOVERING follow themselves when the desk shall drain later."""


class IllegalTransitionError(Exception):
    """The transition is not legal: a bug of ours."""

    def __init__(self, before: DeskPhase, after: DeskPhase) -> None:
        super().__init__(f"the desk cannot go from {before.value} to {after.value}")
        self.before = before
        self.after = after


@dataclass(frozen=True)
class _Unread:
    """A state in which no accounts were ever read."""

    committer: ClassVar[None] = None
    risk_status: ClassVar[None] = None


@dataclass(frozen=True)
class _Working:
    """A state in which the journal works: requests go to the committer."""

    committer: Committer

    @property
    def risk_status(self) -> RiskStatus:
        """The halts and limits in force."""
        return self.committer.risk_status


@final
@dataclass(frozen=True)
class New(_Unread):
    """``open`` was not called yet."""

    phase: ClassVar[DeskPhase] = DeskPhase.NEW
    is_draining: ClassVar[bool] = False


@final
@dataclass(frozen=True)
class Opening(_Unread):
    """The accounts are being read for the first time."""

    phase: ClassVar[DeskPhase] = DeskPhase.OPENING
    is_draining: bool = False
    """Whether DRAINING follows instead of RUNNING."""


@final
@dataclass(frozen=True)
class Running(_Working):
    """All requests are accepted."""

    phase: ClassVar[DeskPhase] = DeskPhase.RUNNING
    is_draining: ClassVar[bool] = False


@final
@dataclass(frozen=True)
class Draining(_Working):
    """The process will end soon: new orders and amends are refused, everything else is accepted."""

    phase: ClassVar[DeskPhase] = DeskPhase.DRAINING
    is_draining: ClassVar[bool] = True


@final
@dataclass(frozen=True)
class Failed:
    """The journal failed, or could not be opened. Recovery has not started yet."""

    phase: ClassVar[DeskPhase] = DeskPhase.FAILED
    committer: ClassVar[None] = None
    why: str
    store: AccountStore | None
    """To close before the journal is opened again; None where nothing is open."""
    risk_status: RiskStatus | None
    """The halts and limits when it failed; None where they were never read."""
    last_order_id: int
    """Venues may know orders up to this id, although the journal may have lost them."""
    is_draining: bool


@final
@dataclass(frozen=True)
class Recovering:
    """The journal is being closed, opened and read again, until that succeeds."""

    phase: ClassVar[DeskPhase] = DeskPhase.RECOVERING
    committer: ClassVar[None] = None
    why: str
    risk_status: RiskStatus | None
    last_order_id: int
    is_draining: bool


@final
@dataclass(frozen=True)
class Closing(_Working):
    """As DRAINING, while the last entries become durable."""

    phase: ClassVar[DeskPhase] = DeskPhase.CLOSING
    is_draining: ClassVar[bool] = True


@final
@dataclass(frozen=True)
class Closed:
    """The journal accepts nothing any more; it is closed, or is being closed."""

    phase: ClassVar[DeskPhase] = DeskPhase.CLOSED
    committer: ClassVar[None] = None
    is_draining: ClassVar[bool] = True
    risk_status: RiskStatus | None


DeskState: TypeAlias = New | Opening | Running | Draining | Failed | Recovering | Closing | Closed
StateT = TypeVar("StateT", New, Opening, Running, Draining, Failed, Recovering, Closing, Closed)


class DeskLifecycle:
    """The state that the desk is in. Only ``move_to`` changes it."""

    def __init__(self) -> None:
        self.state: DeskState = New()
        self._moved = asyncio.Event()

    def move_to(self, state: DeskState) -> None:
        """Go to the state. Raises IllegalTransitionError where it may not follow the present one."""
        if state.phase not in NEXT[self.state.phase]:
            raise IllegalTransitionError(self.state.phase, state.phase)
        self.state = state
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait_for(self, kind: type[StateT]) -> StateT:
        """Wait until the desk is in a state of this kind, and return it."""
        while True:
            state = self.state
            if isinstance(state, kind):
                return state
            await self._moved.wait()
