# cython: boundscheck=False, wraparound=False
"""Reads a frame byte by byte where it is written as expected: in C where this module is compiled.

An exchange writes all frames of a kind alike. What is written in another way is for a JSON decoder: a scanner
only says so, once, at the end.
"""

from __future__ import annotations

from floorwire.venues.common.plain_decimals import NOT_PLAIN

IS_COMPILED = not __file__.endswith(".py")
ZERO, NINE, DOT = ord("0"), ord("9"), ord(".")
QUOTE, BACKSLASH, OPENING, CLOSING = ord('"'), ord("\\"), ord("["), ord("]")
FIRST_PRINTED, LAST_PRINTED = ord(" "), ord("~")
MAX_DIGITS = 17
"""As many as in what ``plain_decimal`` reads, for whole numbers too."""


class FrameScanner:
    """A frame, and the place up to which it was read.

    After something else than expected it stands at the end, where nothing is read any more.
    """

    __slots__ = ("_data", "_failed", "at")

    def __init__(self, data: bytes) -> None:
        # In C each bytes object ends with a zero, which is part of nothing that is read here.
        self._data = data if IS_COMPILED else data + b"\0"
        self.at = 0
        self._failed = False

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
        at, units, after_dot = start, 0, -1
        while data[at] != QUOTE and at - start <= MAX_DIGITS + 1:
            if ZERO <= data[at] <= NINE:
                units = units * 10 + data[at] - ZERO
            elif data[at] == DOT and after_dot < 0:
                after_dot = at + 1
            else:
                break
            at += 1
        digits = at - start - (after_dot >= 0)
        if data[at] != QUOTE or digits > MAX_DIGITS or not digits or after_dot == at:
            self.fail()
            return NOT_PLAIN
        self.at = at
        return units << 5 | (at - after_dot if after_dot >= 0 else 0)

    # --- pairs of decimals ----------------------------------------------------------------------

    def expect_pairs(self) -> int:
        """Go past a list of pairs of plain decimals in quotation marks; return the place where it begins."""
        begin = self.at
        self.expect(b"[")
        if self.has(b"]"):
            return begin
        self._expect_pair()
        while self.has(b","):
            self._expect_pair()
        self.expect(b"]")
        return begin

    def is_in_row(self) -> bool:
        """Go to the price of the next row of a list that was gone past before; False after the last one.

        It goes on from the beginning of the list, or from the end of a size.
        """
        data, at = self._data, self.at
        if self._failed:
            return False
        if data[at] == QUOTE:  # what else is in the row is not read
            while data[at] != CLOSING:
                at += 1
            at += 1
        if data[at + 1] != OPENING:
            return False
        self.at = at + len('[["')
        return True

    def row(self, begin: int) -> str:
        """Return a row from its price to the quotation mark after its size, which was read last."""
        data = self._data
        return data[begin : self.at + 1].decode("ascii")

    def _expect_pair(self) -> None:
        self.expect(b'["')
        self.expect_decimal()
        self.expect(b'","')
        self.expect_decimal()
        self.expect(b'"]')

    def expect_decimal(self) -> None:
        """Go to the end of what ``decimal`` reads."""
        data, start = self._data, self.at
        at, after_dot = start, -1
        while data[at] != QUOTE:
            if data[at] == DOT and after_dot < 0:
                after_dot = at + 1
            elif not ZERO <= data[at] <= NINE:
                self.fail()
                return
            at += 1
        digits = at - start - (after_dot >= 0)
        self.at = at
        if digits > MAX_DIGITS or not digits or after_dot == at:
            self.fail()

    def fail(self) -> None:
        """Go to the end: something was not as expected."""
        self._failed = True
        self.at = self._end()

    def _end(self) -> int:
        return len(self._data) - (not IS_COMPILED)
