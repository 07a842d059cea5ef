"""Keeps the replies of a client in the order of its requests, where one of them takes longer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from floorwire.core.authorization import Principal
from floorwire.protocol.desk_ports import DeskClient, Reply

MAX_QUEUED_REPLIES = 10_000
"""Replies of one client that may wait; with more it is closed (4008)."""


class ReplySlot:
    """The place of one reply in the queue of its client. It is sent when all before it are sent.

    It is used instead of the client, so it has the client's methods.
    """

    def __init__(self, client: DeskClient, send_ready: Callable[[], None]) -> None:
        self.codec = client.codec
        self.reply: Reply | None = None
        self._client = client
        self._send_ready = send_ready

    @property
    def principal(self) -> Principal:
        """The principal of the client."""
        return self._client.principal

    def answer(self, reply: Reply) -> None:
        """Set the reply, and send it if it is the first in the queue."""
        self.reply = reply
        self._send_ready()

    def queue_events(self, frames: bytes) -> None:
        """Send events. They do not wait for replies."""
        self._client.queue_events(frames)

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` bytes of events fit into the outbox of the client."""
        return self._client.has_room(size)

    def flush(self) -> None:
        """Flush the client."""
        self._client.flush()

    def close_slow(self) -> None:
        """Close the client as too slow (4008)."""
        self._client.close_slow()


class ReplyOrder:
    """A queue for each client that waits for a slow reply. All others get replies directly."""

    def __init__(self) -> None:
        self._queues: dict[DeskClient, deque[ReplySlot]] = {}

    def target(self, client: DeskClient) -> DeskClient:
        """Return where the next reply goes: the client itself, or a new slot while other replies wait."""
        return self.reserve(client) if client in self._queues else client

    def reserve(self, client: DeskClient) -> ReplySlot:
        """Return a slot that all later replies wait for. The caller has to answer it."""
        queue = self._queues.setdefault(client, deque())
        if len(queue) >= MAX_QUEUED_REPLIES:
            client.close_slow()
        slot = ReplySlot(client, lambda: self._send_ready(client, queue))
        queue.append(slot)
        return slot

    def _send_ready(self, client: DeskClient, queue: deque[ReplySlot]) -> None:
        while queue and (reply := queue[0].reply) is not None:
            queue.popleft()
            client.answer(reply)
        if not queue:
            self._queues.pop(client, None)
