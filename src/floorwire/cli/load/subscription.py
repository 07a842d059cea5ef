"""What each client subscribes to."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from floorwire.cli.load.frames import masked_frame


class SubscriptionPlan(msgspec.Struct, frozen=True):
    """A channel, and ``each`` of the symbols a client. ``on_slow`` is the contract; None: the default."""

    channel: str
    symbols: tuple[str, ...]
    each: int
    on_slow: str | None = None

    def frames(self, clients: int, seed: int) -> list[bytes]:
        """Return the subscribe request of each client as a frame. The same seed draws the same symbols."""
        random = Random(seed)  # noqa: S311 - for spreading load, not for secrets
        return [
            self._frame(random.sample(self.symbols, min(self.each, len(self.symbols))))
            for _ in range(clients)
        ]

    def _frame(self, symbols: Sequence[str]) -> bytes:
        request: dict[str, object] = {"action": "subscribe", "channel": self.channel}
        request |= {"symbol": symbols[0]} if len(symbols) == 1 else {"symbols": symbols}
        if self.on_slow is not None:
            request["on_slow"] = self.on_slow
        return masked_frame(msgspec.json.encode(request))
