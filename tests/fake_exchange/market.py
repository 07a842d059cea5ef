"""What the fake exchange trades: a symbol with its steps and limits, all in integers of 10^-8."""

from dataclasses import dataclass
from decimal import Decimal

UNIT = 10**8


@dataclass
class Market:
    base: str
    quote: str
    tick_e8: int
    step_e8: int
    min_notional_e8: int = 5 * UNIT
    max_lots: int = 10**12
    min_lots: int = 1
    is_trading: bool = True
    is_listed: bool = True

    def __post_init__(self) -> None:
        self.check_steps(self.tick_e8, self.step_e8)

    @property
    def symbol(self) -> str:
        return self.base + self.quote

    @staticmethod
    def check_steps(tick_e8: int, step_e8: int) -> None:
        """Refuse steps whose product is not a whole number of 10^-8: money could not stay exact."""
        if tick_e8 <= 0 or step_e8 <= 0 or tick_e8 * step_e8 % UNIT:
            raise ValueError(f"Steps {tick_e8} and {step_e8} do not give whole amounts of 10^-8.")

    def notional_e8(self, price_ticks: int, lots: int) -> int:
        return price_ticks * self.tick_e8 * lots * self.step_e8 // UNIT

    def price_text(self, price_ticks: int) -> str:
        return text_e8(price_ticks * self.tick_e8)

    def quantity_text(self, lots: int) -> str:
        return text_e8(lots * self.step_e8)


def text_e8(amount_e8: int) -> str:
    """Eight decimals, never an exponent."""
    sign, whole = "-" if amount_e8 < 0 else "", abs(amount_e8)
    return f"{sign}{whole // UNIT}.{whole % UNIT:08d}"


def plain_e8(amount_e8: int) -> str:
    """As few decimals as it has, never an exponent."""
    text = text_e8(amount_e8).rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def parse_e8(text: str) -> int | None:
    """The amount as an integer, or None if it is not a plain decimal of at most eight places."""
    whole, _, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 12 and len(fraction) <= 8):
        return None
    if "." in text and not (fraction.isascii() and fraction.isdigit()):
        return None
    return int(Decimal(text) * UNIT)
