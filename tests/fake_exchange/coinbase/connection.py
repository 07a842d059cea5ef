"""One WebSocket of Coinbase: its subscriptions, and one sequence for all it sends."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from tests.fake_exchange.coinbase.keys import CoinbaseAccount
from tests.fake_exchange.coinbase.messages import nanosecond_text
from tests.fake_exchange.outbox import Outbox


class Connection:
    def __init__(self, outbox: Outbox, home: str, now_us: Callable[[], int]) -> None:
        self.outbox = outbox
        self.home = home  # market or user
        self.products: dict[str, list[str]] = {}  # by channel; those that were subscribed, aliases among them
        self.account: CoinbaseAccount | None = None
        self.sequence = 0
        self.opened_us = now_us()
        self.last_sent_us = now_us()
        self._now_us = now_us

    def send(self, channel: str, events: Sequence[Mapping[str, object]]) -> None:
        """Coinbase: sequence_num begins with 0, and counts all channels of a connection together."""
        now_us = self._now_us()
        stamp = nanosecond_text(now_us)
        body = {"channel": channel, "timestamp": stamp, "sequence_num": self.sequence, "events": events}
        self.sequence += 1
        self.last_sent_us = now_us
        self.outbox.put(msgspec.json.encode(body).decode())

    def send_error(self, text: str) -> None:
        """An error has no channel and no sequence."""
        self.outbox.put(msgspec.json.encode({"type": "error", "message": text}).decode())

    def send_subscriptions(self) -> None:
        """All that is followed, and not only what changed."""
        named = {channel: list(products) for channel, products in self.products.items()}
        if "user" in named and self.account is not None:
            named["user"] = [self.account.user_id]
        if "heartbeats" in named:
            named["heartbeats"] = ["heartbeats"]
        self.send("subscriptions", [{"subscriptions": named}])

    def follows(self, channel: str, product_ids: Sequence[str]) -> bool:
        """Whether one of these names of a product is followed on a channel."""
        return any(product_id in self.products.get(channel, ()) for product_id in product_ids)
