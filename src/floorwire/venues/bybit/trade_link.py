"""The trade WebSocket of Bybit: whether orders go over it. Where they do not, they go by REST."""

from __future__ import annotations

from floorwire.core.ports import Close, Open, Random, Send
from floorwire.venues.bybit.order_codes import ALREADY_SIGNED_IN, DONE
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.private_link import LinkTimes, PrivateLink

SECOND_US = 1_000_000
LINK = "trade"
LEAVE_US = 30 * SECOND_US
REFUSED_US = 10 * SECOND_US
"""The least wait after Bybit refused a sign-in or a subscription."""
PING = '{"op":"ping"}'


class TradeLink:
    """The link, and whether its service is about to restart."""

    def __init__(self, url: str | None, times: LinkTimes, random: Random) -> None:
        """``url``: None where there is no such WebSocket (demo trading)."""
        self.link = PrivateLink(LINK, times, random)
        self._url = url
        self._leave_us: int | None = None
        """The service restarts: close the link when nothing is pending, or at this time."""

    @property
    def takes_orders(self) -> bool:
        """Whether order requests go over it."""
        return self.link.is_up and self._leave_us is None

    def signed_in(self, code: int | None, text: str, now_us: int) -> list[Close]:
        """Record the answer to the sign-in; return the request to close the link where it was refused."""
        if code in (DONE, ALREADY_SIGNED_IN):
            self.link.accepted(now_us)
            return []
        return self.link.close(f"refused: {code} {text[:100]}", now_us, REFUSED_US)

    def leave(self, now_us: int) -> None:
        """Send nothing more on it: its service restarts. Answers that are to come still come."""
        if self._leave_us is None:
            self._leave_us = now_us + LEAVE_US

    def lost(self, now_us: int) -> None:
        """Record that the link is down."""
        self._leave_us = None
        self.link.lost(now_us)

    def due(self, now_us: int, *, is_idle: bool) -> list[Open | Send | Close]:
        """Return what is due. ``is_idle``: no answer is to come on it."""
        if self._url is None:
            return []
        if self._leave_us is not None and (is_idle or now_us >= self._leave_us):
            self._leave_us = None
            return [*self.link.close("its service restarts", now_us)]
        match self.link.due(now_us):
            case "open":
                return [self.link.open(self._url, now_us)]
            case "ping":
                return [Send(LINK, PING)]
            case "silent" | "not_accepted" as reason:
                return [*self.link.close(reason, now_us)]
            case "lost":
                self.lost(now_us)
        return []

    def due_us(self) -> int:
        """Return when something is due."""
        if self._url is None:
            return NEVER_US
        return self.link.due_us() if self._leave_us is None else min(self.link.due_us(), self._leave_us)
