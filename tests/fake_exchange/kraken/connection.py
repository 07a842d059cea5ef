"""One WebSocket of Kraken: what it follows, and how it says so."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import msgspec
from msgspec import Raw

from tests.fake_exchange.kraken.errors import KrakenError
from tests.fake_exchange.kraken.keys import KrakenAccount
from tests.fake_exchange.outbox import Outbox

Params = Mapping[str, object]


@dataclass
class Subscription:
    """`options` are those of the acknowledgement: depth, interval and so on."""

    channel: str
    symbol: str  # empty for channels without symbols
    options: dict[str, object]
    account: KrakenAccount | None = None
    token: str | None = None
    sequence: int = 0
    seen_orders: set[int] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, object]:
        return self.channel, self.symbol, self.options.get("interval")


class Connection:
    def __init__(self, outbox: Outbox, home: str) -> None:
        self.outbox = outbox
        self.home = home  # public or private
        # Kraken: these ids do not fit into 63 bits.
        self.connection_id = secrets.randbelow(2**62) + 2**63
        self.subscriptions: dict[tuple[str, str, object], Subscription] = {}
        self.has_sent = False  # since the last heartbeat was due

    def send(self, body: Mapping[str, object]) -> None:
        self.has_sent = True
        self.outbox.put(msgspec.json.encode(body).decode())

    def send_data(self, channel: str, kind: str, data: object, sequence: int | None = None) -> None:
        body: dict[str, object] = {"channel": channel, "type": kind, "data": data}
        self.send(body if sequence is None else body | {"sequence": sequence})

    def send_status(self, system: str) -> None:
        status = {
            "version": "2.0.10",
            "system": system,
            "api_version": "v2",
            "connection_id": self.connection_id,
            "upcoming_maintenance": [],
            "emergency": [],
        }
        self.send_data("status", "update", [status])

    def of_channel(self, channel: str) -> list[Subscription]:
        return [kept for kept in self.subscriptions.values() if kept.channel == channel]


class Channels(Protocol):
    """The publisher of some channels."""

    names: frozenset[str]

    def subscription(self, params: Params) -> Subscription:
        """What these parameters of one symbol mean, or a KrakenError."""

    def start(self, connection: Connection, subscription: Subscription) -> None:
        """Send the snapshot."""


def decode(text: str) -> tuple[str, dict[str, object], object]:
    """Method, parameters and req_id. Numbers keep their digits."""
    try:
        body = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise KrakenError("Malformed request") from None
    if not isinstance(body, dict) or not isinstance(body.get("method"), str):
        raise KrakenError("Malformed request")
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise KrakenError("Malformed request")
    request_id = body.get("req_id")
    if request_id is not None and (isinstance(request_id, bool) or not isinstance(request_id, int)):
        raise KrakenError("Malformed request: req_id")
    return body["method"], params, request_id


def _refuse_constant(name: str) -> Raw:
    raise ValueError(f"{name} is no JSON")
