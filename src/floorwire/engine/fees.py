"""Fees: what a fill costs.

Fees are rounded up once per order, not once per fill. A fill pays the amount by which the order's rounded
total rises. So the hold of the order (``holds``) is always enough, into however many fills it is split. The
fee credit is what the order has paid too much by rounding, in millionths of a quote unit.
"""

from __future__ import annotations

from floorwire.engine.instrument_units import MILLION


def fee(notional: int, fee_ppm: int, credit: int) -> tuple[int, int]:
    """Return the fee of one fill in quote units, and the order's fee credit after it.

    ``notional``: the value of the fill in quote units. ``credit``: the order's fee credit before it.
    """
    due = notional * fee_ppm - credit
    units = -(-due // MILLION) if due > 0 else 0
    return units, units * MILLION - due
