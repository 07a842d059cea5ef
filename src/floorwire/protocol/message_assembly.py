"""Puts a client's unmasked data frames together into whole, valid messages (RFC 6455 5.4, 5.6 and 8.1)."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import Final

import msgspec

from floorwire.core.codes import CloseCode

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2

MAX_EMPTY_FRAGMENTS: Final = 64
"""The most empty fragments of one message. No limit on bytes would ever stop them."""

_Utf8Decoder = getincrementaldecoder("utf-8")


class WireError(Exception):
    """The client broke RFC 6455 or a limit. Close the connection with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(f"{code.value} {reason}")
        self.code = code
        self.reason = reason


class Message(msgspec.Struct, frozen=True):
    """One whole message. The data of a text message is valid UTF-8 (RFC 6455 5.6)."""

    binary: bool
    data: bytes


class MessageAssembler:
    """Puts one client's data frames together. An unfinished message takes at most ``max_bytes``.

    After a WireError, close the connection and feed nothing more.
    """

    __slots__ = ("_max_bytes", "_unfinished")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._unfinished: _Unfinished | None = None

    def feed(self, opcode: int, fin: bool, rsv: bool, payload: bytes) -> Message | None:
        """Return the message that this frame completes, or None. Raises WireError."""
        if rsv:  # RFC 6455 5.2: reserved bits are 0 unless an extension was negotiated.
            raise WireError(CloseCode.PROTOCOL_ERROR, "reserved bits without an extension")
        if opcode == CONTINUATION:
            return self._continue(fin, payload)
        if self._unfinished is not None:  # RFC 6455 5.4: fragments of two messages are not interleaved.
            raise WireError(CloseCode.PROTOCOL_ERROR, "a new message inside an unfinished one")
        if opcode not in (TEXT, BINARY):  # RFC 6455 5.2: other opcodes are reserved.
            raise WireError(CloseCode.PROTOCOL_ERROR, f"opcode {opcode} is no data frame's")
        if fin:
            if len(payload) > self._max_bytes:
                raise _too_big(self._max_bytes)
            if opcode == TEXT and not payload.isascii():
                _check_utf8(payload)
            return Message(opcode == BINARY, payload)
        self._unfinished = _Unfinished(opcode == BINARY, self._max_bytes)
        self._unfinished.add(payload, final=False)
        return None

    def _continue(self, fin: bool, payload: bytes) -> Message | None:
        unfinished = self._unfinished
        if unfinished is None:  # RFC 6455 5.4
            raise WireError(CloseCode.PROTOCOL_ERROR, "a continuation of nothing")
        unfinished.add(payload, fin)
        if not fin:
            return None
        self._unfinished = None
        return unfinished.message()


class _Unfinished:
    """A fragmented message whose last frame has not come (RFC 6455 5.4)."""

    __slots__ = ("_binary", "_data", "_decoder", "_empty", "_max_bytes")

    def __init__(self, binary: bool, max_bytes: int) -> None:
        self._binary = binary
        # One buffer, not a list: a fragment of one byte must not cost a whole object.
        self._data = bytearray()
        self._decoder = None if binary else _Utf8Decoder()
        self._empty = 0
        self._max_bytes = max_bytes

    def add(self, payload: bytes, final: bool) -> None:
        """Add a fragment. Raises WireError as soon as no valid message can begin so (RFC 6455 8.1)."""
        if not payload:
            self._count_empty()
        if len(self._data) + len(payload) > self._max_bytes:
            raise _too_big(self._max_bytes)
        self._check_text(payload, final)
        self._data += payload

    def message(self) -> Message:
        """Return the whole message."""
        return Message(self._binary, bytes(self._data))

    def _count_empty(self) -> None:
        self._empty += 1
        if self._empty > MAX_EMPTY_FRAGMENTS:
            raise WireError(CloseCode.PROTOCOL_ABUSE, "too many empty fragments")

    def _check_text(self, payload: bytes, final: bool) -> None:
        if self._decoder is None:
            return
        try:
            self._decoder.decode(payload, final)
        except UnicodeDecodeError:
            raise _invalid_text() from None
        # A surrogate is never valid UTF-8 (RFC 3629 3). CPython would wait for its third byte.
        if b"\xed\xa0" <= self._decoder.getstate()[0] < b"\xee":
            raise _invalid_text()


def close_reply(payload: bytes) -> int:
    """Return the code of our reply to a close frame: the client's own, or what is wrong (RFC 6455 5.5.1)."""
    if not payload:
        return CloseCode.NORMAL
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not _may_be_sent(code):
        return CloseCode.PROTOCOL_ERROR
    try:
        _check_utf8(payload[2:])
    except WireError as error:
        return error.code
    return code


def _may_be_sent(code: int) -> bool:
    # RFC 6455 7.4: 1004 is reserved; 1005, 1006 and 1015 are never sent. IANA registered 1012 to 1014.
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def _check_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise _invalid_text() from None


def _invalid_text() -> WireError:
    return WireError(CloseCode.INVALID_TEXT, "not UTF-8")


def _too_big(max_bytes: int) -> WireError:
    return WireError(CloseCode.MESSAGE_TOO_BIG, f"more than {max_bytes} bytes")
