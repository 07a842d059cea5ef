"""Group commit: what the desk did in one turn of the event loop is one write to the journal.

Replies and private events are sent after that write is durable.
"""

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

Callback: TypeAlias = Callable[[], None]

_encode = msgspec.msgpack.Encoder().encode
EVENT_KINDS = {event: str(event.__struct_config__.tag) for event in CHANNELS}
"""The kind that each event has in the journal."""
COMMANDS = (OrderPlace, OrderAmend, OrderCancel, OrderCancelAll)
OUTCOME_UNKNOWN = Refusal(Code.INTERNAL, "the journal failed; send the same again to learn what became of it")


class DurableReply(msgspec.Struct, frozen=True, gc=False):
    """A reply that is sent when its batch is durable. ``reply`` is None where the callback sends it later."""

    client: DeskClient
    request_id: RequestId | msgspec.UnsetType
    reply: Reply | None
    fate: Fate | None = None
    """What the error says about the order when the journal fails; None for requests that change no order."""
    callback: Callback | None = None


def refusal_reply(request: TradingRequest, refusal: Refusal) -> Reply:
    """Return the error reply to the request. For an order command it also says that the order is rejected."""
    if isinstance(request, COMMANDS):
        return order_error(refusal, request.id, "rejected")
    return error(refusal, request.id)


def durable_reply(client: DeskClient, request: TradingRequest, reply: Reply | None) -> DurableReply:
    """Return the reply to send when the batch is durable; None: it is sent later."""
    return DurableReply(client, request.id, reply, "unknown" if isinstance(request, COMMANDS) else None)


class CommitBatch(msgspec.Struct, eq=False):
    """The entries of one group commit, and the replies and callbacks that wait until it is durable."""

    entries: list[AccountEntry] = []
    replies: list[DurableReply] = []
    callbacks: list[Callback] = []
    """Called when the batch is durable, before the replies. Never called when the journal fails."""
    preparations: list[Callback] = []
    """Called while the disk writes the batch, if it takes long enough for that. They never raise."""

    def journal_entries(self) -> list[journal.JournalEntry]:
        """Return the entries, encoded for the journal."""
        encoded: list[journal.JournalEntry] = []  # most batches have one entry: a comprehension is a call
        for entry in self.entries:
            event = entry.event
            encoded.append(
                journal.JournalEntry(event.account, EVENT_KINDS[type(event)], event.ts_us, _encode(entry))
            )
        return encoded

    def prepare(self) -> None:
        """Run the preparations."""
        for prepare in self.preparations:
            prepare()

    def send_replies(self) -> dict[DeskClient, None]:
        """Run the callbacks, then send the replies in order. Return the clients to flush."""
        recipients: dict[DeskClient, None] = {}
        for callback in self.callbacks:
            callback()
        for reply in self.replies:
            if reply.reply is not None:
                reply.client.answer(reply.reply)
            if reply.callback is not None:
                reply.callback()
            recipients[reply.client] = None
        return recipients

    def reply_outcome_unknown(self) -> None:
        """Send errors instead of the replies: the journal failed, so each outcome is unknown."""
        for reply in self.replies:
            reply.client.answer(
                error(OUTCOME_UNKNOWN, reply.request_id)
                if reply.fate is None
                else order_error(OUTCOME_UNKNOWN, reply.request_id, reply.fate)
            )
            reply.client.flush()
