"""A crowd: many clients, opened a bounded number at once, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from floorwire.cli.load.client import Client
from floorwire.cli.load.reactor import Reactor

NO_ANSWER = "no answer in time"
OURS = "closed by the load generator"
GOODBYE_S = 5.0


class ClientPool:
    """Owns the clients of a run: those that are ``open``, and the ``endings`` of the others by reason."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._opening: set[Client] = set()
        self._past_messages = 0
        self._past_bytes = 0
        self.open: dict[int, Client] = {}
        self.endings: Counter[str] = Counter()

    def invite(
        self, clients: Iterable[Client], at_once: int, seconds: float, buffer: int | None = None
    ) -> None:
        """Open the clients, so many at once; those not ready after this long are given up."""
        waiting = iter(clients)

        def settled() -> bool:
            while len(self._opening) < at_once:
                client = next(waiting, None)
                if client is None:
                    break
                self._opening.add(client)
                client.connect(buffer)
            return not self._opening

        self._reactor.run(seconds, settled)
        for client in (*self._opening, *waiting):
            client.drop(NO_ANSWER)

    def totals(self) -> tuple[int, int]:
        """Return how many messages and bytes came so far, to the ended clients too."""
        messages = sum(client.messages for client in self.open.values())
        return (
            self._past_messages + messages,
            self._past_bytes + sum(client.received_bytes for client in self.open.values()),
        )

    def dismiss(self) -> None:
        """Let every client say goodbye, and wait a bounded time for the server to close."""
        for client in list(self.open.values()):
            client.leave()
        self._reactor.run(GOODBYE_S, lambda: not self.open)
        for client in list(self.open.values()):
            client.drop(OURS)

    def ready(self, client: Client) -> None:
        """Count the client as open."""
        self._opening.discard(client)
        self.open[client.index] = client

    def ended(self, client: Client) -> None:
        """Count how the client ended."""
        self._opening.discard(client)
        self.open.pop(client.index, None)
        self._past_messages += client.messages
        self._past_bytes += client.received_bytes
        self.endings[client.ending] += 1
