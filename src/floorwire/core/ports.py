"""Ports: what pure code and the code with I/O request of each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.execution_reports import Report
from floorwire.core.market_events import Feed, MarketEvent
from floorwire.core.order_commands import Command
from floorwire.core.past_candles import PastWanted
from floorwire.core.past_trades import PastOutput

# --- the inputs of a venue ---------------------------------------------------------------------------


Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in order."""


class Opened(msgspec.Struct, frozen=True):
    """The link that the venue asked for is up."""

    link: str


class Frame(msgspec.Struct, frozen=True):
    """One message came on a link."""

    link: str
    data: str | bytes


class Closed(msgspec.Struct, frozen=True):
    """A link is down. It is opened again only if the venue returns ``Open`` again."""

    link: str
    reason: str
    status: int = 0
    """The HTTP status with which the peer refused the link; 0: it did not."""
    headers: Headers = ()
    """Of that refusal. Their names are in lower case."""


Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]


class Answer(msgspec.Struct, frozen=True):
    """The answer to a ``Fetch``. One of an unknown request is ignored."""

    request: int
    status: int
    """0: no answer came, or it came too late. That does not say whether the peer got the request."""
    body: bytes
    headers: Headers = ()
    """Their names are in lower case."""


class Woke(msgspec.Struct, frozen=True):
    """The time of the venue's last ``Wake`` has come."""


class Wanted(msgspec.Struct, frozen=True):
    """The streams that clients want now, by canonical symbol: all of them, sent when they change."""

    streams: Mapping[str, frozenset[StreamKind]]


VenueInput: TypeAlias = Opened | Frame | Closed | Answer | Woke | Wanted | PastWanted

# --- the outputs of a venue --------------------------------------------------------------------------


class Open(msgspec.Struct, frozen=True):
    """Open a WebSocket. ``link`` is its name from now on."""

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
    """Send an HTTP request. An ``Answer`` with the same ``request`` follows. It is sent once, never again."""

    request: int
    """Chosen by whoever asks, and used once by it."""
    url: str
    method: Method = "GET"
    headers: Headers = ()
    body: bytes = b""
    timeout_us: int = 10_000_000
    """For all of it, whatever drips in meanwhile."""


class Wake(msgspec.Struct, frozen=True):
    """Call the venue with ``Woke`` at this time. A later ``Wake`` replaces an earlier one."""

    at_us: int


class Reported(msgspec.Struct, frozen=True):
    """Reports about orders without a command: fills of resting orders, expiries."""

    reports: tuple[Report, ...]


class Activity(msgspec.Struct, frozen=True):
    """The links and symbols of which the venue sent something since the last one; at most one a second."""

    links: tuple[str, ...]
    symbols: tuple[str, ...]


VenueEffect: TypeAlias = Open | Send | Close | Fetch | Wake
VenueOutput: TypeAlias = MarketEvent | VenueEffect | Reported | Activity | PastOutput


class Venue(Protocol):
    """A pure state machine: from inputs and the time to market events and effects, in order.

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
    """A venue that counts the messages and levels that it leaves out."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """How much was left out since the start, by reason."""
        ...


@runtime_checkable
class StreamsOnDemand(Protocol):
    """A venue that can stream only what is wanted. Then it gets ``Wanted``, first at each start."""

    @property
    def streams_on_demand(self) -> bool:
        """Whether it does; the same for its whole life."""
        ...


@runtime_checkable
class HasRestingOrders(Protocol):
    """A venue that says of which symbols it has open orders of accounts, filled against its prices."""

    @property
    def resting_symbols(self) -> Collection[str]:
        """The symbols with open orders."""
        ...


class Prices(msgspec.Struct, frozen=True, gc=False):
    """The prices that the risk checks need. 0 ticks: there is no such price."""

    bid_ticks: int
    ask_ticks: int
    last_ticks: int
    feed: Feed


class Execution(msgspec.Struct, frozen=True, gc=False):
    """The immediate results of a command."""

    reports: Sequence[Report]
    """Reports about any orders, in order: what happened before the command, then what it did."""
    outputs: Sequence[VenueOutput]
    """All other outputs, in order: market events, and perhaps a ``Wake``; no ``Reported``."""


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
        """Return the symbol's prices as of the last call; all 0 and ``connecting`` if it is unknown."""
        ...


class Random(Protocol):
    """The randomness that pure code is given. ``random.Random`` fits."""

    def random(self) -> float: ...
    def randrange(self, start: int, stop: int, /) -> int: ...
    def gauss(self, mu: float, sigma: float) -> float: ...
    def expovariate(self, lambd: float) -> float: ...
