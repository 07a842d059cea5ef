"""A pool of many clients: a bounded number connects at a time; how each ended is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from floorwire.cli.load.client import Client
from floorwire.cli.load.reactor import Reactor

NO_ANSWER = "no answer in time"
CLOSED_BY_US = "closed by the load generator"
CLOSE_S = 5.0


class ClientPool:
    """Owns the clients of a run."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._opening: set[Client] = set()
        self._ended_messages = 0
        self._ended_bytes = 0
        self.open: dict[int, Client] = {}
        """Subscribed clients, by index."""
        self.endings: Counter[str] = Counter()
        """How many clients have ended, by reason."""

    def open_all(
        self, clients: Iterable[Client], at_once: int, seconds: float, buffer: int | None = None
    ) -> None:
        """Open the clients, at most ``at_once`` at a time; abort those not subscribed within ``seconds``.

        ``buffer`` is the size of their kernel receive buffers in bytes; None: the system's.
        """
        waiting = iter(clients)

        def is_done() -> bool:
            while len(self._opening) < at_once:
                client = next(waiting, None)
                if client is None:
                    break
                self._opening.add(client)
                client.connect(buffer)
            return not self._opening

        self._reactor.run(seconds, is_done)
        for client in (*self._opening, *waiting):
            client.abort(NO_ANSWER)

    def totals(self) -> tuple[int, int]:
        """Return how many messages and bytes were received so far, those of ended clients included."""
        messages = sum(client.messages for client in self.open.values())
        return (
            self._ended_messages + messages,
            self._ended_bytes + sum(client.received_bytes for client in self.open.values()),
        )

    def close_all(self) -> None:
        """Close every client, and wait a bounded time until the server has closed."""
        for client in list(self.open.values()):
            client.close()
        self._reactor.run(CLOSE_S, lambda: not self.open)
        for client in list(self.open.values()):
            client.abort(CLOSED_BY_US)

    def on_subscribed(self, client: Client) -> None:
        """Count the client as open."""
        self._opening.discard(client)
        self.open[client.index] = client

    def on_ended(self, client: Client) -> None:
        """Count how the client ended."""
        self._opening.discard(client)
        self.open.pop(client.index, None)
        self._ended_messages += client.messages
        self._ended_bytes += client.received_bytes
        self.endings[client.ending] += 1
