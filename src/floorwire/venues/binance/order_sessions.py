"""Sessions of Binance's WebSocket API: where they are opened, and when they get old.

``common.private_links`` has the life of each. A session signs in by comparing the clocks and then subscribing
to the account's events. A stream that ended is requested again on the same session.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.private_link import LinkTimes
from floorwire.venues.common.private_links import PrivateLinkKind

URL = "wss://ws-api.binance.com:443"
PATH = "/ws-api/v3"
HOSTS = {
    "stream.binance.com": "ws-api.binance.com",
    "stream.testnet.binance.vision": "ws-api.testnet.binance.vision",
    "demo-stream.binance.com": "demo-ws-api.binance.com",
}
"""Hosts of market data, and those of orders beside them."""
TIMES = LinkTimes(silent_us=60 * SECOND_US)
"""An answer to ``time`` comes twice in this time."""
AGE_US = 23 * 3_600 * SECOND_US
"""Binance ends a session after 24 hours, or earlier after a notice."""


def session_url(ws_url: str) -> str:
    """Return where sessions are opened. ``ws_url``: may be where market data comes from."""
    if not ws_url:
        return URL + PATH
    parts = urlsplit(ws_url)
    host = HOSTS.get(parts.hostname or "")
    if host is not None:
        parts = parts._replace(netloc=host)
    return parts.geturl().rstrip("/") + PATH


def session_kind(ws_url: str) -> PrivateLinkKind:
    """Return what is known of a session, with its address."""
    return PrivateLinkKind("orders", session_url(ws_url), TIMES, takes_orders=True, age_us=AGE_US)
