"""Fuzzes tickets in the query of a WebSocket's address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from floorwire.core.refusal import Refusal
from floorwire.web.upgrade_request import UpgradeRequest
from tests.auth import parts
from tests.fuzz.credentials import AT, KEY, RING, new_sign_in, require_key, require_refusal

TICKET: Final = "Jv5EHoA1nTqM0lM2pPqk3pWm1S1oE4m2T-xZy_0aBcD"


class OrderTicket:
    """The target of a handshake's request line, while one ticket is out."""

    name = "ticket"
    max_bytes = 2_048

    def seeds(self) -> Sequence[bytes]:
        """Return queries with the ticket, and without."""
        right = TICKET.encode()
        return [
            b"/ws?ticket=" + right,
            b"/ws?a=1&ticket=" + right + b"&ticket=x",
            b"/ws?ticket=x&ticket=" + right,
            b"/ws?ticket=%4a" + right[1:],
            b"/ws?ticket=" + right[:-1],
            b"/ws?" + b"a&" * 15 + b"ticket=" + right,
            b"/ws?ticket=",
            b"/ws",
            b"?ticket=\xff%ff+%00",
        ]

    def words(self) -> Sequence[bytes]:
        """Return the parts of queries."""
        return (
            b"?ticket=",
            b"&ticket=",
            TICKET.encode(),
            b"&",
            b"=",
            b"%00",
            b"%ff",
            b"+",
            b";",
            b"#",
            b"ticket",
        )

    def close(self) -> None:
        """Nothing is held."""

    def run(self, data: bytes) -> None:
        """Require a refusal, or the ticket itself, which works once."""
        sign_in = new_sign_in()
        principal = RING.verify_secret(KEY, parts.SECRET, AT.wall_us)
        assert principal is not None
        sign_in.issue_ticket(TICKET, principal, AT)
        text = UpgradeRequest.of(b"GET", data, ()).ticket
        if text is None:
            return
        for is_first in (True, False):
            try:
                found = sign_in.redeem_ticket(text, parts.HERE, AT)
            except Refusal as refusal:
                require_refusal(refusal)
                continue
            require_key(found)
            assert is_first, "a ticket was good twice"
            assert text == TICKET, text
