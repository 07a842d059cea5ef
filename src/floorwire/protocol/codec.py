"""Codecs: requests from bytes, frames from messages, in JSON or MessagePack."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.codes import Code
from floorwire.core.refusal import Detail, Refusal
from floorwire.protocol.events import AnyEvent
from floorwire.protocol.frames import BINARY, TEXT, frame
from floorwire.protocol.replies import AnyReply
from floorwire.protocol.requests import AnyRequest, RequestId
from floorwire.protocol.skip import Skipped, Slow

Outgoing: TypeAlias = AnyReply | AnyEvent | Skipped | Slow


class _Identified(msgspec.Struct):
    """What is left of a request that could not be read: its id, so that the error can name it."""

    id: RequestId | UnsetType = UNSET
    action: str | UnsetType = UNSET


class BadRequestError(Exception):
    """Bytes that are not a request: the refusal, and the id where one could be read."""

    def __init__(self, refusal: Refusal, request_id: RequestId | UnsetType = UNSET) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.request_id = request_id


class Codec:
    """One encoding of the wire."""

    def __init__(
        self,
        subprotocol: str,
        opcode: int,
        encoder: msgspec.json.Encoder | msgspec.msgpack.Encoder,
        decoder: msgspec.json.Decoder[AnyRequest] | msgspec.msgpack.Decoder[AnyRequest],
        identify: msgspec.json.Decoder[_Identified] | msgspec.msgpack.Decoder[_Identified],
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = opcode == BINARY
        self._opcode = opcode
        self._encode = encoder.encode
        self._decode = decoder.decode
        self._identify = identify.decode

    def frame(self, message: Outgoing) -> bytes:
        """Return the message as one frame."""
        return frame(self._opcode, self._encode(message))

    def request(self, data: bytes, binary: bool) -> AnyRequest:
        """Return the request. Raises BadRequestError, whatever the bytes are."""
        if binary is not self.binary:
            kind = "binary" if binary else "text"
            raise BadRequestError(Refusal(Code.BAD_JSON, f"{kind} frames are not {self.subprotocol}"))
        try:
            return self._decode(data)
        except msgspec.ValidationError as error:
            raise self._misfit(data, str(error)) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
            raise BadRequestError(Refusal(Code.BAD_JSON, str(error))) from None

    def _misfit(self, data: bytes, problem: str) -> BadRequestError:
        try:
            known = self._identify(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
            known = _Identified()
        if "$.action" in problem and isinstance(known.action, str):
            return BadRequestError(
                Refusal(Code.UNKNOWN_ACTION, f"there is no action {known.action[:64]!r}"), known.id
            )
        return BadRequestError(Refusal(Code.BAD_REQUEST, problem, _field(problem)), known.id)


def _field(problem: str) -> dict[str, Detail]:
    """Return the field that msgspec's message names, if it names one: "... `name`" or "at `$.name`"."""
    quoted = problem.split("`")[1::2]
    if problem.startswith("Object ") and quoted:
        return {"field": quoted[0]}
    if quoted and quoted[-1].startswith("$."):
        return {"field": quoted[-1][2:]}
    return {}


JSON: Final = Codec(
    "floorwire.v1.json",
    TEXT,
    msgspec.json.Encoder(),
    msgspec.json.Decoder(AnyRequest),
    msgspec.json.Decoder(_Identified),
)
MSGPACK: Final = Codec(
    "floorwire.v1.msgpack",
    BINARY,
    msgspec.msgpack.Encoder(),
    msgspec.msgpack.Decoder(AnyRequest),
    msgspec.msgpack.Decoder(_Identified),
)
CODECS: Final = (JSON, MSGPACK)


def offered(subprotocols: list[str]) -> Codec | None:
    """Return the first codec that the client offers and we know, else None (and JSON is spoken)."""
    for name in subprotocols:
        for codec in CODECS:
            if codec.subprotocol == name:
                return codec
    return None
