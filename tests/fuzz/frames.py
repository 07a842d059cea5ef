"""Fuzzes WebSocket frames: picows' parser, our message assembly and our answers, against a plain model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from floorwire.protocol.frames import BINARY, CLOSE, PING, PONG, TEXT, split
from tests.fuzz.entrance import Entrance, Talk, check
from tests.fuzz.handshake import RIGHT

HELLO: Final = b"GET /ws/echo HTTP/1.1\r\nHost: 127.0.0.1\r\n" + RIGHT + b"\r\n\r\n"
CONTINUATION: Final = 0
PIECE_BYTES: Final = 3
FEW: Final = 24
"""So many frames never use up a budget: all of them are answered."""
MOST_FRAGMENTS: Final = 64
CODES: Final = frozenset((1002, 1007, 1009, 4013, 4502))


def masked(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes = bytes(4)) -> bytes:
    """Return a client's frame."""
    size = len(payload)
    long = b"" if size < 126 else size.to_bytes(2, "big") if size < 65_536 else size.to_bytes(8, "big")
    code = {0: size, 2: 126, 8: 127}[len(long)]
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x80 * fin | opcode, 0x80 | code)) + long + mask + body


class Expected(Struct):
    """What the standard (RFC 6455) says about a client's bytes."""

    echoes: list[tuple[int, bytes]] = []
    pings: list[bytes] = []
    frames: int = 0
    ends: bool | None = False
    """Whether a close frame has to come. None: it may, since the last frame is bad and not whole yet."""


class FrameError(Exception):
    """These bytes are no frames of a client. ``is_whole``: nothing of the bad frame is missing."""

    def __init__(self, *, is_whole: bool = True) -> None:
        super().__init__()
        self.is_whole = is_whole


def frames_of(data: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """Yield opcode, fin and payload of each whole frame. Raises FrameError."""
    at = 0
    while len(data) - at >= 2:
        first, second = data[at], data[at + 1]
        opcode, size, fin = first & 0x0F, second & 0x7F, bool(first & 0x80)
        width = {126: 2, 127: 8}.get(size, 0)
        begin = at + 2 + width + (4 if second & 0x80 else 0)
        size = int.from_bytes(data[at + 2 : at + 2 + width].ljust(width, b"\0"), "big") if width else size
        is_bad = first & 0x70 or not second & 0x80 or opcode not in (0, 1, 2, 8, 9, 10)
        is_bad = is_bad or (width == 2 and size < 126) or (width == 8 and size < 65_536)  # 5.2: minimal
        if is_bad or (opcode >= CLOSE and (size > 125 or width or not fin)) or size > 65_536:
            raise FrameError(is_whole=begin + size <= len(data))
        if len(data) < begin + size:
            return
        mask = data[begin - 4 : begin]
        yield opcode, fin, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data[begin : begin + size]))
        at = begin + size


def expected(data: bytes) -> Expected:
    """Return what has to be answered."""
    said = Expected()
    kind, parts = -1, [b""]
    try:
        for opcode, fin, payload in frames_of(data):
            said.frames += 1
            if opcode == CLOSE:
                raise FrameError
            if opcode == PING:
                said.pings.append(payload)
            if opcode >= CLOSE:
                continue
            if (opcode == CONTINUATION) != (kind >= 0):
                raise FrameError
            kind, parts = (opcode, [payload]) if opcode else (kind, [*parts, payload])
            whole = b"".join(parts)
            _require_sound(kind, whole, parts, fin=fin)
            if fin:
                said.echoes.append((kind, whole))
                kind = -1
    except FrameError as error:
        said.ends = True if error.is_whole else None
    return said


def _require_sound(kind: int, whole: bytes, parts: list[bytes], *, fin: bool) -> None:
    if len(whole) > 65_536 or parts.count(b"") > MOST_FRAGMENTS:
        raise FrameError
    if kind != TEXT:
        return
    try:
        whole.decode()
    except UnicodeDecodeError as error:
        # Cut inside a character: more may follow, unless no character begins so.
        if fin or not _may_go_on(whole[error.start :]):
            raise FrameError from None


def _may_go_on(tail: bytes) -> bool:
    """Return whether some character begins with these bytes."""
    for more in (b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xbf", b"\xbf\xbf", b"\xbf\xbf\xbf"):
        try:
            (tail + more).decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


class Frames:
    """Bytes that follow the handshake, once in one piece and once in small ones."""

    name = "frames"
    max_bytes = 2_048

    def __init__(self) -> None:
        self._entrance = Entrance()

    def seeds(self) -> Sequence[bytes]:
        """Return each kind of frame, and some conversations."""
        text, mask = "größer als €".encode(), b"\x01\x80\xff\x7f"
        return [
            masked(TEXT, b'{"action":"ping"}', mask=mask),
            masked(BINARY, bytes(range(256))),
            masked(TEXT, text[:4], fin=False)
            + masked(PING, b"?")
            + masked(CONTINUATION, text[4:], mask=mask),
            masked(TEXT, b"", fin=False) + masked(CONTINUATION, b"", fin=False) + masked(CONTINUATION, b""),
            masked(PING, b"x" * 125) + masked(PONG, b"") + masked(CLOSE, b"\x03\xe8bye", mask=mask),
            masked(CLOSE, b"") + masked(TEXT, b"late"),
            masked(CLOSE, b"\x03"),
            masked(TEXT, b"\xed\xa0", fin=False),
            masked(TEXT, b"{") + masked(3, b""),
            b"\x81\x02{}",
            b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4),
        ]

    def words(self) -> Sequence[bytes]:
        """Return heads of frames, and bytes that are special in UTF-8."""
        heads = [
            masked(opcode, b"", fin=fin) for opcode in (0, 1, 2, 3, 8, 9, 10, 11) for fin in (True, False)
        ]
        return (
            *heads,
            b"\x80",
            b"\xfe\x00\x7e",
            b"\xff" + bytes(8),
            b"\xed\xa0\x80",
            b"\xf4\x90",
            b"\xc3",
            b"\x03\xe9",
        )

    def close(self) -> None:
        """Release the gateway."""
        self._entrance.close()

    def run(self, data: bytes) -> None:
        """Require the echo of each message, and a close frame with the right kind of code, in any pieces."""
        model = expected(data)
        small = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
        codes = {self._require(model, self._entrance.talk([HELLO, *pieces])) for pieces in ([data], small)}
        assert len(codes) == 1 or model.ends is None or model.frames > FEW, f"another end in pieces: {codes}"

    def _require(self, model: Expected, talk: Talk) -> int | None:
        """Return the code of our close frame."""
        check(talk, self._entrance.loop)
        answers = list(split(talk.written.partition(b"\r\n\r\n")[2]))
        closes = [int.from_bytes(payload[:2], "big") for opcode, payload in answers if opcode == CLOSE]
        echoes = [answer for answer in answers if answer[0] in (TEXT, BINARY)]
        pongs = [payload for opcode, payload in answers if opcode == PONG]
        assert len(closes) <= 1, closes
        assert not closes or answers[-1][0] == CLOSE, "written after the close frame"
        assert len(echoes) + len(pongs) + len(closes) == len(answers), answers
        assert echoes == model.echoes[: len(echoes)], (echoes, model.echoes)
        assert set(pongs) <= set(model.pings), (pongs, model.pings)
        if model.frames <= FEW:
            assert len(echoes) == len(model.echoes), (echoes, model.echoes)
            assert model.ends is None or bool(closes) == model.ends, (closes, model)
        return closes[0] if closes else None
