"""The message of an order, made while the order may not be sent yet."""

from __future__ import annotations

import msgspec

from floorwire.core.remote_order_messages import PlaceOrder

FRESH_US = 50_000
"""Messages have times and deadlines of some seconds. After this long one is made anew."""


class PreparedOrder(msgspec.Struct, frozen=True):
    """The message that places one order, for one link and one number of a request."""

    command: PlaceOrder
    number: int
    link: str
    message: str
    made_us: int

    def fits(self, command: PlaceOrder, number: int, link: str | None, now_us: int) -> bool:
        """Return whether this is what would be made for the command now."""
        return (
            self.command is command
            and self.number == number
            and self.link == link
            and now_us - self.made_us <= FRESH_US
        )
