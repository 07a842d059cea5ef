"""Converts decimal text to whole numbers of steps (ticks, lots) and back, exactly."""

from __future__ import annotations

import msgspec

MAX_DECIMALS = 18
MAX_DIGITS = 30  # longer texts are refused before they cost time

_TEN_TO_THE: tuple[int, ...] = tuple(10**exponent for exponent in range(2 * MAX_DECIMALS + 1))
"""Powers up to the decimals of a price times a size, and of the longest text."""


class InexactError(ValueError):
    """A text that is not a whole number of steps, or no decimal."""

    def __init__(self, text: str, step: str) -> None:
        super().__init__(f"{text!r} is not a whole number of {step}")
        self.text = text
        self.step = step


def _units(text: str) -> tuple[int, int]:
    """Return (digits as an integer, decimals) of a decimal without exponent; the only sign is '-'."""
    whole, dot, fraction = text.partition(".")
    digits = whole + fraction
    if digits.isdigit() and digits.isascii() and len(digits) <= MAX_DIGITS and (fraction or not dot):
        return int(digits), len(fraction)
    if text[:1] == "-" != text[1:2]:
        units, decimals = _units(text[1:])
        return -units, decimals
    raise InexactError(text[:MAX_DIGITS], "a decimal")


class Scale(msgspec.Struct, frozen=True):
    """A step such as 0.05, as ``step`` units of ten to the power ``-decimals``."""

    decimals: int
    step: int

    @classmethod
    def of(cls, text: str) -> Scale:
        """Return the scale of a step written as a decimal, '0.05' -> Scale(2, 5). Raises InexactError."""
        units, decimals = _units(text)
        while decimals and units % 10 == 0:
            units, decimals = units // 10, decimals - 1
        if units <= 0 or decimals > MAX_DECIMALS:
            raise InexactError(text, "a positive step")
        return cls(decimals, units)

    def parse(self, text: str) -> int:
        """Return how many steps the decimal text is. Raises InexactError if it is not whole."""
        units, decimals = _units(text)
        shift = self.decimals - decimals
        if shift > 0:
            units *= _TEN_TO_THE[shift]
        elif shift:
            units, rest = divmod(units, _TEN_TO_THE[-shift])
            if rest:
                raise InexactError(text, str(self))
        if self.step == 1:
            return units
        steps, rest = divmod(units, self.step)
        if rest:
            raise InexactError(text, str(self))
        return steps

    def floor(self, text: str) -> int:
        """Return how many whole steps the decimal text has (some venues send finer numbers)."""
        units, decimals = _units(text)
        shift = self.decimals - decimals
        return (units * _TEN_TO_THE[shift] if shift >= 0 else units // _TEN_TO_THE[-shift]) // self.step

    def format(self, steps: int) -> str:
        """Return the steps as a decimal with all decimals of the scale: 1 -> '0.05'."""
        return format_units(steps * self.step, self.decimals)

    def __str__(self) -> str:
        return self.format(1)


def format_units(units: int, decimals: int) -> str:
    """Return units of ten to the power ``-decimals`` as decimal text, all decimals written."""
    if units < 0:
        return "-" + format_units(-units, decimals)
    digits = str(units)
    if not decimals:
        return digits
    if len(digits) <= decimals:
        digits = digits.zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def trim(text: str) -> str:
    """Return decimal text without trailing zeros: '1.500' -> '1.5', '2.0' -> '2'."""
    return text.rstrip("0").rstrip(".") if "." in text else text
