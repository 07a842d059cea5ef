"""Kraken's numbers: JSON numbers whose digits count, and the checksum over these digits."""

import zlib
from datetime import UTC, datetime

from msgspec import Raw

from tests.fake_exchange.market import UNIT, Market, plain_e8, text_e8

CHECKSUM_LEVELS = 10


def decimals_of(step_e8: int) -> int:
    """How many decimals a number needs that is a multiple of this step."""
    decimals = 8
    while decimals and step_e8 % 10 ** (9 - decimals) == 0:
        decimals -= 1
    return decimals


def fixed(amount_e8: int, decimals: int) -> str:
    """Trailing zeros up to so many decimals, and at least one decimal."""
    text = text_e8(amount_e8)
    return text[: len(text) - 8 + max(1, decimals)]


def price_text(market: Market, price_ticks: int) -> str:
    return fixed(price_ticks * market.tick_e8, decimals_of(market.tick_e8))


def quantity_text(market: Market, lots: int) -> str:
    return fixed(lots * market.step_e8, decimals_of(market.step_e8))


def number(text: str) -> Raw:
    return Raw(text.encode())


def price(market: Market, price_ticks: int) -> Raw:
    return number(price_text(market, price_ticks))


def quantity(market: Market, lots: int) -> Raw:
    return number(quantity_text(market, lots))


def amount(amount_e8: int) -> Raw:
    return number(plain_e8(amount_e8))


def increment(step_e8: int) -> Raw:
    """Kraken writes small steps with an exponent: 1e-08, 5e-05."""
    if step_e8 >= UNIT // 10_000:
        return amount(step_e8)
    digits = str(step_e8).rstrip("0")
    exponent = len(str(step_e8)) - 9
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return number(f"{mantissa}e-{-exponent:02d}")


def checksum(asks: list[tuple[str, str]], bids: list[tuple[str, str]]) -> int:
    """CRC32 over the best ten asks and then the best ten bids, each price and quantity without its dot
    and leading zeros."""
    levels = asks[:CHECKSUM_LEVELS] + bids[:CHECKSUM_LEVELS]
    digits = "".join(text.replace(".", "").lstrip("0") for level in levels for text in level)
    return zlib.crc32(digits.encode())


def rfc3339(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime(
        f"%Y-%m-%dT%H:%M:%S.{time_us % 1_000_000:06d}Z"
    )


def parse_rfc3339_us(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def seconds(time_us: int) -> float:
    """REST has times as seconds with four decimals."""
    return round(time_us / 1_000_000, 4)
