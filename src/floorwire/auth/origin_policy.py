"""The frontage: where we listen, who stands before us, and which pages may talk to us."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from floorwire.auth.client_address import client_address, is_address, is_loopback
from floorwire.auth.web_origin import is_allowed, is_loopback_host, is_own
from floorwire.core.authorization import Network, is_within


class OriginPolicy(msgspec.Struct, frozen=True):
    """What the operator said about the way to us.

    ``is_home``: only this machine can reach us, and no proxy stands in between.
    """

    is_home: bool
    origins: frozenset[str]
    proxies: tuple[Network, ...]

    def is_home_at(self, ours: str) -> bool:
        """Return whether a connection to this address of ours can only come from this machine.

        Under somebody else's server the settings do not say where it listens, but each connection does.
        """
        return self.is_home and (not is_address(ours) or is_loopback(ours))

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Return whether a page of this origin, or no page at all, may talk to us."""
        return is_allowed(origin, host, self.origins, self.is_home)

    def is_proxy(self, peer: str) -> bool:
        """Return whether the peer speaks for others."""
        return bool(self.proxies) and is_within(peer, self.proxies)

    def client(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return whose a request of this peer is."""
        return client_address(peer, forwarded_for, self.proxies) if self.proxies else peer

    def is_our_page_at_home(self, peer: str, origin: str | None, host: str | None) -> bool:
        """Return whether our own page, opened on this very machine, is asking."""
        return (
            self.is_home
            and is_loopback(peer)
            and is_loopback_host(host)
            and origin is not None
            and is_own(origin, host)
        )
