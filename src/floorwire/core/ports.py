"""Ports: what the pure rooms and the shells ask of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from floorwire.core.execution_reports import Report
from floorwire.core.market_events import Feed, MarketEvent
from floorwire.core.order_commands import Command

# --- what a venue is told ---------------------------------------------------------------------------


class Opened(msgspec.Struct, frozen=True):
    """The link that the venue asked for is up."""

    link: str


class Frame(msgspec.Struct, frozen=True):
    """One message came on a link."""

    link: str
    data: str | bytes


class Closed(msgspec.Struct, frozen=True):
    """A link is down; the shell reconnects only where the venue asks again."""

    link: str
    reason: str


class Answer(msgspec.Struct, frozen=True):
    """The answer to a ``Fetch``; status 0 where there was none."""

    url: str
    status: int
    body: bytes


class Woke(msgspec.Struct, frozen=True):
    """The time that the venue asked to be woken at has come."""


VenueInput: TypeAlias = Opened | Frame | Closed | Answer | Woke

# --- what a venue asks for --------------------------------------------------------------------------


class Open(msgspec.Struct, frozen=True):
    """Open a WebSocket link, known by this name from now on."""

    link: str
    url: str


class Send(msgspec.Struct, frozen=True):
    """Send a text message on a link."""

    link: str
    text: str


class Close(msgspec.Struct, frozen=True):
    """Close a link."""

    link: str
    reason: str


class Fetch(msgspec.Struct, frozen=True):
    """GET a URL; an ``Answer`` with the same URL comes back."""

    url: str


class Wake(msgspec.Struct, frozen=True):
    """Come back at this time; a later ``Wake`` replaces an earlier one."""

    at_us: int


class Reported(msgspec.Struct, frozen=True):
    """What happened to orders that nobody asked about just now: fills of resting ones, expiries."""

    reports: tuple[Report, ...]


class Activity(msgspec.Struct, frozen=True):
    """Which links and symbols the venue sent something of since the last of these; at most once a second."""

    links: tuple[str, ...]
    symbols: tuple[str, ...]


VenueEffect: TypeAlias = Open | Send | Close | Fetch | Wake
VenueOutput: TypeAlias = MarketEvent | VenueEffect | Reported | Activity


class Venue(Protocol):
    """A pure state machine: inputs and the time in; market events and effects out, in order.

    ``now_us`` is monotonic: for waiting and silence. It is near the date, but is not corrected with it.
    """

    name: str

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Return the first outputs, once, before any input."""
        ...

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input. Never raises on anything that a peer sent."""
        ...


@runtime_checkable
class CountsSkipped(Protocol):
    """A venue that counts what it leaves out of what it hears."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """How much was left out, by reason, since the venue was started."""
        ...


class Prices(msgspec.Struct, frozen=True, gc=False):
    """What risk asks of a market: 0 ticks where there is no such price."""

    bid_ticks: int
    ask_ticks: int
    last_ticks: int
    feed: Feed


class Execution(msgspec.Struct, frozen=True, gc=False):
    """What came of a command at once."""

    reports: Sequence[Report]
    """About any order, in order: what happened up to now, then what the command did."""
    outputs: Sequence[VenueOutput]
    """Everything else, in order: market events to publish, and perhaps another ``Wake``; no ``Reported``."""


class TradingVenue(Venue, Protocol):
    """A venue that also takes orders of accounts (owners above 0), in memory and at once.

    What happens to their resting orders later comes among the outputs of ``receive``, as ``Reported``.
    """

    def date(self, offset_us: int) -> None:
        """Take in what the date is: ``now_us + offset_us``. Called before each call that tells the time."""
        ...

    def execute(self, command: Command, now_us: int) -> Execution:
        """Execute the command at this time. Commands of one order keep their order."""
        ...

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices as of the last call; all 0 and ``connecting`` where it is not known."""
        ...


class Random(Protocol):
    """The randomness that a pure room is given; ``random.Random`` fits."""

    def random(self) -> float: ...
    def randrange(self, start: int, stop: int, /) -> int: ...
    def gauss(self, mu: float, sigma: float) -> float: ...
    def expovariate(self, lambd: float) -> float: ...
