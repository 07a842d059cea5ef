"""What became of an order that was sent: it exists, or it does not. Nothing else is an answer.

A lost reply says nothing: a copy of the request may have arrived, or may arrive later. So the request is sent
again, with the same client order id and the same deadline, until a reply or an event proves either. Pure:
docs/sdk.md has the picture.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

from msgspec import UNSET

from floorwire.core.codes import Code
from floorwire.protocol.replies import Error, OrderAcceptedReply, OrderError, OrderReply
from floorwire.protocol.trading_requests import OrderPlace, OrderStatus

FIRST_WAIT_S: Final = 0.25
MOST_WAIT_S: Final = 2.0
PROOFS: Final = frozenset({Code.DEADLINE_PASSED, Code.DUPLICATE_CLIENT_ORDER_ID})
"""Codes after which no copy of the request can be an order. The server looks for the id before both."""


class OutcomeState(Enum):
    """What is known of an order."""

    SENDING = auto()
    """Not sent yet, or sent on the connection that is open, without a reply."""
    UNCLEAR = auto()
    """A copy may have arrived, or may arrive later."""
    EXISTS = auto()
    REJECTED = auto()
    """It does not exist, and never will."""


class SendAgain(NamedTuple):
    """Send ``OrderOutcome.request`` again, after so many seconds."""

    after_s: float


OutcomeReply: TypeAlias = OrderAcceptedReply | OrderReply | Error


class OrderOutcome:
    """The outcome of one order."""

    def __init__(self, order: OrderPlace) -> None:
        """``order`` has a deadline: without one, nobody could say that it does not exist."""
        assert order.deadline is not UNSET
        self.state = OutcomeState.SENDING
        self.refusal: Error | None = None
        """Why it was refused: of REJECTED, or the last one while it is unclear."""
        self._order = order
        self._deadline_us = order.deadline
        self._is_asked = False
        """Whether the deadline has passed, so that the server is asked whether it has the order."""
        self._wait_s = FIRST_WAIT_S

    @property
    def is_known(self) -> bool:
        """Whether it is certain that the order exists, or that it does not."""
        return self.state in (OutcomeState.EXISTS, OutcomeState.REJECTED)

    @property
    def request(self) -> OrderPlace | OrderStatus:
        """The request to send: the order, or after its deadline a question for it."""
        if self._is_asked:
            return OrderStatus(client_order_id=self._order.client_order_id)
        return self._order

    def cut(self) -> None:
        """The connection was lost before a reply."""
        if self.state is OutcomeState.SENDING:
            self.state = OutcomeState.UNCLEAR

    def seen(self) -> None:
        """An event of the order came: it exists."""
        if not self.is_known:
            self.state = OutcomeState.EXISTS

    def replied(self, reply: OutcomeReply, least_server_us: int) -> SendAgain | None:
        """Take the reply to ``request``. Return when to send ``request`` again; None: the outcome is known.

        ``least_server_us``: a date that the server's clock has reached for certain.
        """
        if self.is_known:
            return None
        if not isinstance(reply, Error):
            self.state = OutcomeState.EXISTS
            return None
        self._was_refused(reply, least_server_us)
        return None if self.is_known else SendAgain(self._next_wait_s(reply))

    def _was_refused(self, reply: Error, least_server_us: int) -> None:
        if self._is_asked:  # the first refusal says more than that there is no such order
            if reply.code == Code.UNKNOWN_ORDER:
                self.state = OutcomeState.REJECTED
            self._is_asked = reply.code != Code.FORBIDDEN  # a key that may only trade sends the order again
            return
        self.refusal = reply
        if type(reply) is OrderError and reply.order == "unknown":
            self.state = OutcomeState.UNCLEAR
        elif self.state is OutcomeState.SENDING or _is_proof(reply):
            self.state = OutcomeState.REJECTED
        self._is_asked = self.state is OutcomeState.UNCLEAR and least_server_us > self._deadline_us

    def _next_wait_s(self, reply: Error) -> float:
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, MOST_WAIT_S)
        asked_s = 0.0 if reply.retry_after_ms is UNSET else reply.retry_after_ms / 1_000
        return max(wait_s, asked_s)


def _is_proof(reply: Error) -> bool:
    """Return whether a refusal is of the order itself, so that no earlier copy of it was accepted."""
    return reply.code in PROOFS or (type(reply) is OrderError and reply.duplicate is True)
