"""The envelopes: every message to the server, every message from it, and the names of the encodings."""

from __future__ import annotations

from typing import Final, TypeAlias

from floorwire.protocol.channel_events import AnyEvent, ListedNotice, SkippedNotice, SlowNotice
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import PrivateEvent
from floorwire.protocol.replies import AnyReply, TradingReply
from floorwire.protocol.requests import MarketRequest
from floorwire.protocol.trading_requests import TradingRequest

AnyRequest: TypeAlias = MarketRequest | TradingRequest
"""What a client sends, tagged by ``action``."""
Outgoing: TypeAlias = (
    AnyReply
    | TradingReply
    | AnyEvent
    | PrivateEvent
    | SkippedNotice
    | SlowNotice
    | ListedNotice
    | TradeHistory
    | CandleHistory
)
"""What the server sends: replies, which have a ``status``, and events, which have a ``channel`` and none."""
JSON_SUBPROTOCOL: Final = "floorwire.v1.json"
MSGPACK_SUBPROTOCOL: Final = "floorwire.v1.msgpack"
