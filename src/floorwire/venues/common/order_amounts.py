"""Amounts in reports about orders: decimal text as exchanges send it, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from functools import reduce

MOST_TEXT = 64
"""Longer texts are no amounts."""
_context = Context(prec=100, Emin=-60, Emax=60, traps=[InvalidOperation])
"""Exact for all amounts of less than 60 digits and decimals. Others raise."""


class AmountError(ValueError):
    """A text that is no amount."""


def amount(text: str) -> Decimal:
    """Return the decimal. Raises AmountError if the text is none, or is longer than ``MOST_TEXT``."""
    try:
        value = _context.create_decimal(text) if len(text) <= MOST_TEXT else Decimal("nan")
    except InvalidOperation:
        raise AmountError(f"{text[:MOST_TEXT]!r} is no amount") from None
    if not value.is_finite() or abs(value.adjusted()) > 40:
        raise AmountError(f"{text[:MOST_TEXT]!r} is no amount")
    return value


def is_zero(text: str) -> bool:
    """Return whether the amount is 0. Raises AmountError."""
    return not amount(text)


def plain(text: str) -> str:
    """Return the amount without exponent and plus sign: 1e-08 -> 0.00000001. Raises AmountError."""
    return f"{amount(text):f}"


def negated(text: str) -> str:
    """Return the amount with the other sign; 0 has none. Raises AmountError."""
    value = amount(text)
    return f"{-value:f}" if value else "0"


def total(texts: Iterable[str]) -> Decimal:
    """Return the exact sum of amounts. Raises AmountError."""
    return reduce(_context.add, map(amount, texts), Decimal())


def bought_by(quote: str, price: str, step: str) -> str:
    """Return how much the quote amount buys at a price, in whole steps, rounded down. Raises AmountError."""
    unit, cost = amount(step), amount(price)
    if unit <= 0 or cost <= 0:
        raise AmountError(f"{price!r} or {step!r} is not above 0")
    steps = (amount(quote) / cost / unit).to_integral_value(ROUND_FLOOR)
    return f"{steps * unit:f}"
