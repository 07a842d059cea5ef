"""Ids of our orders at venues: made from the epoch of the journal and the order id, so that none comes twice.

A journal that is restored from a backup gets a new epoch. So an order of a history that was lost has
another id than any order that is placed later.
"""

from __future__ import annotations

import re

from floorwire.core.remote_order_messages import ClientIdForm

MARK = "fw"
"""The first letters of ids in the form ``text``. Hexadecimal epochs and decimal order ids follow: no
words, since the firewall of one venue refuses ids with words of SQL."""
HEX_MARK = "f100"
"""The last digits of ids in the other forms."""
MOST_ORDER_ID = 10**17 - 1
_EPOCH = re.compile("[0-9a-f]{8}")
_TEXT = re.compile(rf"{MARK}([0-9a-f]{{8}})([0-9]{{1,17}})")
_HEX = re.compile(rf"([0-9a-f]{{8}})([0-9]{{20}}){HEX_MARK}")


def client_id(form: ClientIdForm, epoch: str, order_id: int) -> str:
    """Return the id that the venue gets. ``epoch``: eight hexadecimal digits."""
    assert _EPOCH.fullmatch(epoch), epoch
    assert 0 < order_id <= MOST_ORDER_ID, order_id
    if form == "text":
        return f"{MARK}{epoch}{order_id}"
    return of_digits(form, f"{epoch}{order_id:020}{HEX_MARK}")


def of_digits(form: ClientIdForm, digits: str) -> str:
    """Return an id of 32 hexadecimal digits: as they are, or in groups as a UUID."""
    if form == "hex":
        return digits
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parsed(client_id: str) -> tuple[str, int] | None:
    """Return epoch and order id of an id that a gateway made. None for all other ids."""
    found = _TEXT.fullmatch(client_id) or _HEX.fullmatch(client_id.replace("-", ""))
    return None if found is None else (found[1], int(found[2]))
