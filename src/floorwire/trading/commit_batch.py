"""A turn: what the desk did in one turn of the event loop, committed and told together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from floorwire.core.account_events import CHANNELS, AccountEntry
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import Fate, error, order_error
from floorwire.protocol.requests import RequestId
from floorwire.protocol.trading_requests import (
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    TradingRequest,
)
from floorwire.storage import journal

Afterwards: TypeAlias = Callable[[], None]

_encode = msgspec.msgpack.Encoder().encode
KINDS = {event: str(event.__struct_config__.tag) for event in CHANNELS}
"""The names of events in the journal."""
COMMANDS = (OrderPlace, OrderAmend, OrderCancel, OrderCancelAll)
LOST = Refusal(Code.INTERNAL, "the journal failed; send the same again to learn what became of it")


class PendingAnswer(msgspec.Struct):
    """What a client is told once the turn is durable; ``fate``: of its order, where it is not."""

    client: DeskClient
    request_id: RequestId | msgspec.UnsetType
    reply: Reply | None
    fate: Fate | None = None
    afterwards: Afterwards | None = None


def refused(request: TradingRequest, refusal: Refusal) -> Reply:
    """Return the refusal as the request's reply; of a command it says what became of the order."""
    if isinstance(request, COMMANDS):
        return order_error(refusal, request.id, "rejected")
    return error(refusal, request.id)


def answered(client: DeskClient, request: TradingRequest, reply: Reply | None) -> PendingAnswer:
    """Return what the client is told once the turn is durable."""
    return PendingAnswer(client, request.id, reply, "unknown" if isinstance(request, COMMANDS) else None)


class CommitBatch:
    """What is journalled together, and who waits for that."""

    __slots__ = ("afterwards", "answers", "entries")

    def __init__(self) -> None:
        self.entries: list[AccountEntry] = []
        self.answers: list[PendingAnswer] = []
        self.afterwards: list[Afterwards] = []
        """What is done once it is durable."""

    def records(self) -> list[journal.JournalEntry]:
        """Return the entries as the journal takes them."""
        return [
            journal.JournalEntry(
                entry.event.account, KINDS[type(entry.event)], entry.event.ts_us, _encode(entry)
            )
            for entry in self.entries
        ]

    def answer(self) -> dict[DeskClient, None]:
        """Do what is to be done now, and tell everybody, in order; return whom."""
        told: dict[DeskClient, None] = {}
        for afterwards in self.afterwards:
            afterwards()
        for answer in self.answers:
            if answer.reply is not None:
                answer.client.answer(answer.reply)
            if answer.afterwards is not None:
                answer.afterwards()
            told[answer.client] = None
        return told

    def lose(self) -> None:
        """Tell everybody that what they asked for may or may not have been done."""
        for answer in self.answers:
            answer.client.answer(
                error(LOST, answer.request_id)
                if answer.fate is None
                else order_error(LOST, answer.request_id, answer.fate)
            )
            answer.client.flush()
