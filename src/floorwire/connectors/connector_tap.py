"""Who is told what a venue's connector sends and gets, as it happens. A recorder is one."""

from __future__ import annotations

from typing import Protocol


class ConnectorTap(Protocol):
    """It must not raise, and must not wait."""

    def opened(self, link: str, url: str) -> None:
        """A WebSocket opened."""
        ...

    def received(self, link: str, message: bytes) -> None:
        """The venue sent a message."""
        ...

    def sent(self, link: str, text: str) -> None:
        """We sent a message."""
        ...

    def closed(self, link: str, reason: str) -> None:
        """A WebSocket was lost or closed."""
        ...

    def requested(self, method: str, url: str) -> None:
        """We sent a request."""
        ...

    def answered(self, url: str, status: int, body: bytes) -> None:
        """A request was answered, or got no answer: status 0."""
        ...
