"""Reads plain decimals, as exchanges write nearly all numbers: in C where this module is compiled."""

from __future__ import annotations

IS_COMPILED = not __file__.endswith(".py")
MAX_DIGITS = 17
"""With so many, and the number of decimals beside them, a decimal fits in 64 bits."""
NOT_PLAIN = -1


def plain_decimal(text: str) -> int:
    """Return the digits of a decimal as a number, times 32, plus how many decimals they have.

    ``NOT_PLAIN`` if it has a sign, an exponent, over ``MAX_DIGITS`` digits, or is no decimal.
    """
    if not IS_COMPILED:
        whole, dot, fraction = text.partition(".")
        digits = whole + fraction
        is_plain = digits.isdigit() and digits.isascii() and len(digits) <= MAX_DIGITS
        return int(digits) << 5 | len(fraction) if is_plain and (fraction or not dot) else NOT_PLAIN
    length = len(text)
    if not 0 < length <= MAX_DIGITS + 1:
        return NOT_PLAIN
    units = digits_read = 0
    after_dot = -1
    for character in text:
        if "0" <= character <= "9":
            units = units * 10 + ord(character) - 48
            digits_read += 1
        elif character == "." and after_dot < 0:
            after_dot = digits_read
        else:
            return NOT_PLAIN
    if digits_read > MAX_DIGITS or not digits_read or after_dot == digits_read:
        return NOT_PLAIN
    return units << 5 | (digits_read - after_dot if after_dot >= 0 else 0)


def plain_text(plain: int) -> str:
    """Return the decimal of which ``plain_decimal`` returned this, without leading zeros."""
    units, decimals = plain >> 5, plain & 31
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
