"""What the order adapter needs to know of one exchange."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from floorwire.core.codes import Code
from floorwire.core.ports import Answer, Fetch
from floorwire.core.remote_order_messages import (
    AmendOrder,
    CancelOrder,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemotePolicy,
    RemoteReport,
)
from floorwire.venues.common.cancel_all_switch import CancelAllSwitch
from floorwire.venues.common.order_clock import OrderClock
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest
from floorwire.venues.common.private_links import PrivateLinkKind
from floorwire.venues.common.request_budgets import RequestBudgets
from floorwire.venues.common.request_sequences import HttpRequest, Steps

AnswerT = TypeVar("AnswerT")
AnswerT_co = TypeVar("AnswerT_co", covariant=True)


class UnplaceableError(ValueError):
    """The venue has no order, or no amend, like this one. Nothing is sent."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


# --- what a frame, or an answer by REST, is ----------------------------------------------------------


class SignInStep(NamedTuple):
    """A step of signing in is done. These are the next requests on the link."""

    requests: Sequence[str]


class SignedIn(NamedTuple):
    """The exchange has accepted all that was asked of it on this link."""


class UselessLink(NamedTuple):
    """The exchange refused the link, or messages of it were lost. It is closed, and opened again."""

    reason: str
    wait_us: int = 0
    """The least time until then."""


class LinkEndsSoon(NamedTuple):
    """The exchange will end this link. Another one takes its place before that."""

    takes_requests: bool = True
    """Whether the exchange takes new requests on it."""


class Answered(NamedTuple, Generic[AnswerT_co]):
    """The answer to the request about an order with this number."""

    number: int
    answer: AnswerT_co


class ShownOrder(NamedTuple):
    """What the private stream says about one order. That it is there answers the request that placed it."""

    client_id: str
    venue_order_id: str
    reports: Sequence[RemoteReport] = ()


OrderReading: TypeAlias = SignInStep | SignedIn | UselessLink | LinkEndsSoon | Answered[AnswerT] | ShownOrder

# --- what is sent, and what an answer says -----------------------------------------------------------

RestSteps: TypeAlias = Generator[HttpRequest, Answer, Sequence[Answered[AnswerT]]]
"""Requests by REST. They raise ValueError where an answer says nothing: the outcome is unknown then."""
OrderCall: TypeAlias = str | RestSteps[AnswerT]
"""A request about an order: the message for the link, or the requests by REST."""


class TryAgain(NamedTuple):
    """A cancel had no effect. It is sent again."""

    wait_us: int = 0
    """Not before this time is over, and not before the limits allow it."""


class OrderExchange(Protocol[AnswerT]):
    """What differs from one exchange to another. All methods raise only what they say."""

    name: str
    policy: RemotePolicy
    clock: OrderClock
    """Is told the time before any method is called."""
    budgets: RequestBudgets
    """The limits of requests by REST."""
    most_sent: int
    """How many requests by REST may be on their way at once."""
    reading_us: int
    """Reads are not given up before this time after their first request; 0: as long as others."""
    patience_us: int
    """So long after an answer that accepts an order the stream has told of it. If it did not, the link is
    opened again."""
    cancels_per_request: int

    @property
    def switch(self) -> CancelAllSwitch | None:
        """The exchange's own dead man's switch; None: it has none, or it is not wanted."""
        ...

    @property
    def links(self) -> Sequence[PrivateLinkKind]:
        """The kinds of its links.

        The first one tells the account's events. Requests about orders go over the first one that takes them
        and is up; where there is none, by REST.
        """
        ...

    # --- links ---

    def opened(self, link: str) -> Sequence[str]:
        """Return what to request first on a link that is connected."""
        ...

    def closed(self, link: str) -> None:
        """Forget what is known of a link: it is down, or being closed. It may be told twice."""
        ...

    def read(self, link: str, data: str | bytes, *, is_up: bool) -> Sequence[OrderReading[AnswerT]]:
        """Return what a frame is. ``is_up``: whether the link is signed in.

        Raises ValueError, RecursionError. A row that is of no use costs itself, and no other.
        """
        ...

    # --- requests about orders ---

    def place(self, command: PlaceOrder, number: int, *, on_link: bool) -> OrderCall[AnswerT]:
        """Return the request. ``on_link``: it may go over a link. Raises UnplaceableError, AmountError."""
        ...

    def amend(self, command: AmendOrder, number: int, *, on_link: bool) -> OrderCall[AnswerT]:
        """Return the request. ``on_link``: it may go over a link. Raises UnplaceableError, AmountError."""
        ...

    def cancel(self, commands: Mapping[int, CancelOrder], *, on_link: bool) -> OrderCall[AnswerT]:
        """Return the request for cancels, by number: at most ``cancels_per_request``."""
        ...

    def can_cancel(self, command: CancelOrder) -> bool:
        """Return whether the exchange can be asked: not where it needs a name that is not known."""
        ...

    def spend(self, number: int, request: OrderRequest, *, on_link: bool) -> bool:
        """Take what the request costs of the limits, and remember what is needed of an order that is sent.

        ``number``: that of the request; of cancels that go together, that of the first one. Return False, and
        do nothing, if it may not be sent now. Requests by REST spend ``budgets`` when they
        are sent.
        """
        ...

    def cancel_free_us(self, symbol: str) -> int:
        """Return when the next cancel may be sent."""
        ...

    def outcome(self, request: OrderRequest, answer: AnswerT) -> OrderOutcome | TryAgain | None:
        """Take in the answer to a request, and return what it says. None: the result comes in the stream."""
        ...

    # --- reads ---

    def query(self, command: QueryOrder) -> Steps:
        """Return the requests that ask for an order, with its executions."""
        ...

    def reconcile(self, command: Reconcile) -> Steps:
        """Return the requests that ask for the account."""
        ...

    def sign(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return what is sent for a request by REST."""
        ...

    def look_at(self, answer: Answer) -> None:
        """Take in what an answer by REST says about limits and clocks."""
        ...
