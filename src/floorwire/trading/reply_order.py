"""Lines: answers of one client wait for one that takes its time, so that they leave in the order asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from floorwire.core.authorization import Principal
from floorwire.protocol.desk_ports import DeskClient, Reply

MOST_HELD = 10_000
"""Answers of a client that may wait; with more it is closed (4008)."""


class PendingReply:
    """Stands at the counter for one answer of a client, which leaves when all before it have."""

    def __init__(self, client: DeskClient, move: Callable[[], None]) -> None:
        self.codec = client.codec
        self.reply: Reply | None = None
        self._client = client
        self._move = move

    @property
    def principal(self) -> Principal:
        """The client's."""
        return self._client.principal

    def answer(self, reply: Reply) -> None:
        """Take the answer."""
        self.reply = reply
        self._move()

    def tell(self, frames: bytes) -> None:
        """Take events: they wait for no answer."""
        self._client.tell(frames)

    def has_room(self, size: int) -> bool:
        """Return whether the client takes so many bytes of events more."""
        return self._client.has_room(size)

    def flush(self) -> None:
        """Send what has come to the head of the line."""
        self._client.flush()

    def close_slow(self) -> None:
        """End the client."""
        self._client.close_slow()


class ReplyOrder:
    """The clients that wait, each with its line; everybody else is answered directly."""

    def __init__(self) -> None:
        self._lines: dict[DeskClient, deque[PendingReply]] = {}

    def stand(self, client: DeskClient) -> DeskClient:
        """Return where the client's next answer goes: to itself, or behind those it waits for."""
        return self.hold(client) if client in self._lines else client

    def hold(self, client: DeskClient) -> PendingReply:
        """Return the place of an answer that all later ones wait for; it has to be answered."""
        line = self._lines.setdefault(client, deque())
        if len(line) >= MOST_HELD:
            client.close_slow()
        place = PendingReply(client, lambda: self._move(client, line))
        line.append(place)
        return place

    def _move(self, client: DeskClient, line: deque[PendingReply]) -> None:
        while line and (reply := line[0].reply) is not None:
            line.popleft()
            client.answer(reply)
        if not line:
            self._lines.pop(client, None)
