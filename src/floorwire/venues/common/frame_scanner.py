# cython: boundscheck=False, wraparound=False, nonecheck=False
"""Reads a frame byte by byte where it is written as expected: in C where this module is compiled.

An exchange writes all frames of a kind alike. What is written in another way is for a JSON decoder: a scanner
only says so, once, at the end.
"""

from __future__ import annotations

from floorwire.venues.common.plain_decimals import NOT_PLAIN, plain_text

IS_COMPILED = not __file__.endswith(".py")
ZERO, NINE, DOT = ord("0"), ord("9"), ord(".")
QUOTE, BACKSLASH, OPENING, CLOSING = ord('"'), ord("\\"), ord("["), ord("]")
COMMA, BRACE = ord(","), ord("{")
FIRST_PRINTED, LAST_PRINTED = ord(" "), ord("~")
MAX_DIGITS = 17
"""As many as in what ``plain_decimal`` reads, for whole numbers too."""
MAX_CHARACTERS = 40
"""No decimal of an exchange is longer."""
BETWEEN, BEFORE_PRICE, BEFORE_SIZE = len('","'), len('{"price":'), len(',"qty":')
"""What is between price and size in an array, and what is before them in an object."""
MONTH_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)
"""The days of a year up to the end of each month."""
FIRST_YEAR, LAST_YEAR = 1970, 9999
LEAP_DAYS_BEFORE = 477
"""The leap days before 1970."""


def scanner_of(data: bytes) -> FrameScanner:
    """Return ``FrameScanner(data)``, which takes longer where this is compiled."""
    frame = FrameScanner.__new__(FrameScanner)
    frame.begin(data)
    return frame


class FrameScanner:
    """A frame, and the place up to which it was read.

    After something else than expected it stands at the end, where nothing is read any more.
    """

    __slots__ = ("_begin", "_data", "_failed", "at", "has_objects", "least_rest", "price", "size")

    def __init__(self, data: bytes) -> None:
        self.begin(data)

    def begin(self, data: bytes) -> None:
        """Begin with a frame."""
        # In C each bytes object ends with a zero, which is part of nothing that is read here.
        self._data = data if IS_COMPILED else data + b"\0"
        self.at = 0
        self._failed = False
        self.has_objects = False
        """Whether levels are objects of price and qty, and not arrays."""
        self.least_rest = 0
        """How many characters at least follow the size in a row, before its end."""
        self.price = self.size = NOT_PLAIN
        """What ``next_level`` read, as ``plain_decimal`` returns it."""
        self._begin = 0

    def is_whole(self) -> bool:
        """Return whether the whole frame was read, and was as expected."""
        return not self._failed and self.at == self._end()

    def has(self, expected: bytes) -> bool:
        """Go past these bytes if they come next; return whether they do."""
        data, at = self._data, self.at
        for character in expected:
            if data[at] != character:
                return False
            at += 1
        self.at = at
        return True

    def expect(self, expected: bytes) -> None:
        """Go past these bytes."""
        if not self.has(expected):
            self.fail()

    def expect_past(self, wanted: int) -> None:
        """Go past the next character of this kind in a text."""
        data, at = self._data, self.at
        while data[at] != wanted:
            if not FIRST_PRINTED <= data[at] <= LAST_PRINTED or data[at] == QUOTE or data[at] == BACKSLASH:
                self.fail()
                return
            at += 1
        self.at = at + 1

    def text(self) -> str:
        """Return the ASCII text up to the next quotation mark, and go there."""
        data, start = self._data, self.at
        at = start
        while data[at] != QUOTE:
            if not FIRST_PRINTED <= data[at] <= LAST_PRINTED or data[at] == BACKSLASH:
                self.fail()
                return ""
            at += 1
        self.at = at
        return data[start:at].decode("ascii")

    def number(self) -> int:
        """Return a whole number of JSON, and go past it."""
        data, start = self._data, self.at
        at, value = start, 0
        while ZERO <= data[at] <= NINE and at - start <= MAX_DIGITS:
            value = value * 10 + data[at] - ZERO
            at += 1
        digits = at - start
        if not digits or digits > MAX_DIGITS or (data[start] == ZERO and digits > 1):
            self.fail()
            return 0
        self.at = at
        return value

    def decimal(self) -> int:
        """Return what ``plain_decimal`` returns of the text up to the next quotation mark, and go there."""
        data, start = self._data, self.at
        at, units, decimals = start, 0, 0
        while ZERO <= data[at] <= NINE:  # beyond the digits that fit it fails below
            units = units * 10 + data[at] - ZERO
            at += 1
        digits = at - start
        has_dot = data[at] == DOT
        if has_dot:
            at += 1
            while ZERO <= data[at] <= NINE:
                units = units * 10 + data[at] - ZERO
                at += 1
                decimals += 1
            digits += decimals
        if data[at] != QUOTE or digits > MAX_DIGITS or not digits or (has_dot and not decimals):
            self.fail()
            return NOT_PLAIN
        self.at = at
        return units << 5 | decimals

    def decimal_text(self) -> str:
        """Return a decimal up to the next quotation mark, which may have more digits, and go there."""
        data, start = self._data, self.at
        at, after_dot = start, -1
        while data[at] != QUOTE and at - start < MAX_CHARACTERS:
            if data[at] == DOT and after_dot < 0:
                after_dot = at + 1
            elif not ZERO <= data[at] <= NINE:
                break
            at += 1
        if data[at] != QUOTE or at - start == (after_dot >= 0) or after_dot == at:
            self.fail()
            return "0"
        self.at = at
        return data[start:at].decode("ascii")

    def json_decimal(self) -> int:
        """Return what ``plain_decimal`` returns of a number of JSON, and go past it."""
        data, start = self._data, self.at
        at, units, decimals = start, 0, 0
        while ZERO <= data[at] <= NINE:
            units = units * 10 + data[at] - ZERO
            at += 1
        whole = at - start
        has_dot = data[at] == DOT
        if has_dot:
            at += 1
            while ZERO <= data[at] <= NINE:
                units = units * 10 + data[at] - ZERO
                at += 1
                decimals += 1
        if (
            not whole
            or whole + decimals > MAX_DIGITS
            or (has_dot and (not decimals or data[at] == DOT))
            or (data[start] == ZERO and whole > 1)
        ):
            self.fail()
            return NOT_PLAIN
        self.at = at
        return units << 5 | decimals

    def time_us(self) -> int:
        """Return a time such as 2026-07-19T17:54:39.768901Z in microseconds since 1970, and go past it."""
        year = self._digits(4)
        self.expect(b"-")
        month = self._digits(2)
        self.expect(b"-")
        day = self._digits(2)
        self.expect(b"T")
        hour = self._digits(2)
        self.expect(b":")
        minute = self._digits(2)
        self.expect(b":")
        second = self._digits(2)
        self.expect(b".")
        microsecond = self._digits(6)
        self.expect(b"Z")
        is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if (
            not FIRST_YEAR <= year <= LAST_YEAR
            or not 1 <= month <= 12
            or hour > 23
            or minute > 59
            or second > 59
        ):
            self.fail()
            return 0
        days_before, days_after = MONTH_DAYS[month - 1], MONTH_DAYS[month]
        if not 1 <= day <= days_after - days_before + (is_leap and month == 2):
            self.fail()
            return 0
        before = year - 1
        days = (year - FIRST_YEAR) * 365 + before // 4 - before // 100 + before // 400 - LEAP_DAYS_BEFORE
        days += days_before + (is_leap and month > 2) + day - 1
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + microsecond

    def _digits(self, count: int) -> int:
        """Return a number of so many digits, and go past it."""
        data, at, value = self._data, self.at, 0
        for _ in range(count):
            if not ZERO <= data[at] <= NINE:
                self.fail()
                return 0
            value = value * 10 + data[at] - ZERO
            at += 1
        self.at = at
        return value

    # --- levels ---------------------------------------------------------------------------------

    def next_level(self) -> bool:
        """Read the next level of a list that was gone past before; return False after the last one.

        It goes on from the beginning of the list, or from the end of a size.
        """
        if self.has_objects:
            return self._next_object()
        if not self._is_in_row():
            return False
        self._begin = self.at
        self.price = self.decimal()
        self.at += BETWEEN
        self.size = self.decimal()
        return True

    def expect_pairs(self) -> int:
        """Go past a list of pairs of plain decimals in quotation marks; return the place where it begins."""
        begin = self.at
        self.expect(b"[")
        if self.has(b"]"):
            return begin
        self.expect_row(2)
        while self.has(b","):
            self.expect_row(2)
        self.expect(b"]")
        return begin

    def row(self) -> bytes:
        """Return price and size of the last level as in an array: from the price to the end of the size."""
        if self.has_objects:
            return f'{plain_text(self.price)}","{plain_text(self.size)}"'.encode()
        data = self._data
        return data[self._begin : self.at + 1]

    def _is_in_row(self) -> bool:
        """Go to the price of the next row; return False after the last one."""
        data, at = self._data, self.at
        if self._failed:
            return False
        if data[at] == QUOTE:  # what else is in the row is not read
            at += self.least_rest
            while data[at] != CLOSING:
                at += 1
            at += 1
        if data[at + 1] != OPENING:
            return False
        self.at = at + len('[["')
        return True

    def _next_object(self) -> bool:
        data, at = self._data, self.at + 1
        if self._failed:
            return False
        if data[at] == COMMA:
            at += 1
        if data[at] != BRACE:
            return False
        self.at = at + BEFORE_PRICE
        self.price = self.json_decimal()
        self.at += BEFORE_SIZE
        self.size = self.json_decimal()
        return True

    def expect_row(self, count: int) -> None:
        """Go past an array of so many plain decimals in quotation marks."""
        self.expect_decimals(count)
        if self._data[self.at] != CLOSING:
            self.fail()
        else:
            self.at += 1

    def expect_decimals(self, count: int) -> None:
        """Go past the beginning of an array: so many plain decimals in quotation marks."""
        data, at, before = self._data, self.at, OPENING
        for _ in range(count):
            if data[at] != before or data[at + 1] != QUOTE:
                self.fail()
                return
            before = COMMA
            self.at = at + 2
            self.expect_decimal()
            at = self.at + (not self._failed)  # past the quotation mark
        self.at = at

    def expect_decimal(self) -> None:
        """Go to the end of what ``decimal`` reads."""
        data, start = self._data, self.at
        at, decimals = start, 0
        while ZERO <= data[at] <= NINE:
            at += 1
        digits = at - start
        has_dot = data[at] == DOT
        if has_dot:
            at += 1
            while ZERO <= data[at] <= NINE:
                at += 1
                decimals += 1
            digits += decimals
        self.at = at
        if data[at] != QUOTE or digits > MAX_DIGITS or not digits or (has_dot and not decimals):
            self.fail()

    def fail(self) -> None:
        """Go to the end: something was not as expected."""
        self._failed = True
        self.at = self._end()

    def _end(self) -> int:
        return len(self._data) - (not IS_COMPILED)
