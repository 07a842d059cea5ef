"""Order ports: what the code with I/O and the order adapter of an exchange request of each other.

An order adapter is pure. A connector gives it what happened on its links and requests, and the commands of
the desk. It returns effects, which the connector carries out, and reports, which go to the desk, in order.
``core.remote_order_messages`` has the commands and reports, ``docs/live-orders.md`` the states of an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from floorwire.core.credentials import VenueCredentials
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, Random, Send, Wake, Woke
from floorwire.core.remote_order_messages import PlaceOrder, RemoteCommand, RemotePolicy, RemoteReport

OrderAdapterInput: TypeAlias = Opened | Frame | Closed | Answer | Woke
OrderAdapterEffect: TypeAlias = Open | Send | Close | Fetch | Wake


class SwitchChanged(msgspec.Struct, frozen=True):
    """Whether the exchange's own dead man's switch is set: for people. What it does to orders is reported."""

    is_set: bool
    message: str
    """Why it is not set."""


OrderAdapterOutput: TypeAlias = OrderAdapterEffect | RemoteReport | SwitchChanged


KrakenTier: TypeAlias = Literal["starter", "intermediate", "pro"]
"""Kraken verifies accounts in tiers. A higher one may send more."""


class AddressLimits(Protocol):
    """What an exchange allows our address: requests and links for prices and of all accounts together.

    Weight is counted in named buckets, as each exchange counts. ``venues.common.rate_limits`` has them.
    """

    def spend(self, name: str, weight: int, now_us: int, left: int = 0) -> bool:
        """Take weight, if so much is left then; return False, and take nothing, if not."""
        ...

    def free_us(self, name: str, weight: int, now_us: int, left: int = 0) -> int:
        """Return when the weight may be spent, if nobody spends any before."""
        ...

    def block(self, until_us: int, name: str | None = None) -> None:
        """Allow nothing of a bucket before this time; None: of all."""
        ...


class OrderSettings(msgspec.Struct, frozen=True):
    """Where an order adapter sends to, and what it signs with."""

    venue: str
    """The id of the venue instance."""
    ws_url: str
    """Scheme, host and port, perhaps with the beginning of a path. "": those of the exchange."""
    rest_url: str
    """The same for requests."""
    credentials: VenueCredentials
    limits: AddressLimits | None = None
    """Of the address that the requests come from; None: nothing else is sent from it."""
    tier: KrakenTier = "starter"
    """Of the account, where the exchange is Kraken."""
    cancel_all_after_s: int | None = None
    """So long after it was last asked to, the exchange cancels all orders of the account; None: never."""


class InstrumentNames(Protocol):
    """The names of a venue's instruments. Symbols are bare: ``BTC-USDT``, without the venue id."""

    def native(self, symbol: str) -> str | None:
        """Return the exchange's own name of a symbol; None while it is not listed."""
        ...

    def symbol(self, native: str) -> str | None:
        """Return the symbol of the exchange's own name; None while it is not listed."""
        ...


class OrderAdapter(Protocol):
    """The orders of one account at one exchange, as a pure state machine.

    ``now_us`` is monotonic: for waiting. ``date_us`` is the date, for times in signed requests. The adapter
    corrects it by the venue's own time, where the venue asks for that.

    - It never raises on anything that a peer sent.
    - A place or an amend is sent once. Only cancels and reads may be sent again.
    - An outcome is ``rejected`` only where the answer proves that no order exists. Everything else that is no
      clear acceptance is ``unknown``: a time-out, status 0 or 5xx, a lost link, a code that it does not know.
    - It spends the budgets of the venue before it returns an effect. An order that has none left is answered
      at once: ``rejected`` with ``rate_limited``. Cancels and queries wait in bounded queues.
    - ``LinkUp`` comes when the private stream is up with all its subscriptions, ``LinkDown`` when it is lost.
    """

    policy: RemotePolicy
    """What the venue promises, as its sheet says."""

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return the first outputs. Called once, before anything else."""
        ...

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        """Make ready what can be made before the command may be sent. It may never come.

        If it comes, it is this object. Nothing of what it needs is decided or spent yet.
        """
        ...

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Iterable[OrderAdapterOutput]:
        """Return what follows from a command, to be carried out one by one. Its intent is durable.

        What the command itself needs comes first. It may leave before the rest is made.
        """
        ...

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input."""
        ...


class MakesOrderAdapter(Protocol):
    """Makes the order adapter of one kind of exchange."""

    def __call__(
        self, settings: OrderSettings, names: InstrumentNames, random: Random, /
    ) -> OrderAdapter: ...
