"""Codecs: decode requests and encode messages as frames, in JSON or MessagePack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from floorwire.core.codes import Code
from floorwire.core.refusal import Detail, Refusal
from floorwire.protocol import distinct_fields
from floorwire.protocol.distinct_fields import RepeatedFieldError, fewest_fields
from floorwire.protocol.envelopes import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, AnyRequest, Outgoing
from floorwire.protocol.frames import BINARY, TEXT, frame
from floorwire.protocol.replies import EncodedSymbolList
from floorwire.protocol.requests import RequestId, Subscribe
from floorwire.protocol.trading_requests import ID_FORM, ID_PATTERN

ACTIONS: Final = frozenset(kind.__struct_config__.tag for kind in get_args(AnyRequest))
FEWEST_FIELDS: Final[dict[type[AnyRequest], int]] = {
    kind: fewest_fields(kind) for kind in get_args(AnyRequest)
}
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, ValueError)
"""All that msgspec raises on bytes that it cannot decode."""
MAX_QUOTED: Final = 64
"""The most characters of the client's own text in an error message."""


class _WithId(msgspec.Struct):
    """Decodes only the id of a bad request, so that the error reply can carry it."""

    id: RequestId | UnsetType = UNSET


class _WithAction(msgspec.Struct):
    """Decodes only the action of a bad request."""

    action: str | UnsetType = UNSET


class BadRequestError(Exception):
    """The bytes are not a request. Holds the refusal, and the id and the action if they could be read."""

    def __init__(
        self, refusal: Refusal, request_id: RequestId | UnsetType = UNSET, action: str | UnsetType = UNSET
    ) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.request_id = request_id
        self.action = action


class Codec:
    """One encoding of the wire."""

    def __init__(
        self,
        subprotocol: str,
        opcode: int,
        encoder: msgspec.json.Encoder | msgspec.msgpack.Encoder,
        decoder: msgspec.json.Decoder[AnyRequest] | msgspec.msgpack.Decoder[AnyRequest],
        with_id: msgspec.json.Decoder[_WithId] | msgspec.msgpack.Decoder[_WithId],
        with_action: msgspec.json.Decoder[_WithAction] | msgspec.msgpack.Decoder[_WithAction],
        count_fields: Callable[[bytes], int],
        check_fields: Callable[[bytes], None],
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = opcode == BINARY
        self._opcode = opcode
        self._head = frame(opcode, bytes(126))[:2]
        self._short_heads = [frame(opcode, bytes(size))[:2] for size in range(126)]
        self._encode = encoder.encode
        self._decode = decoder.decode
        self._with_id = with_id.decode
        self._with_action = with_action.decode
        self._count_fields = count_fields
        self._check_fields = check_fields

    def frame(self, message: Outgoing | EncodedSymbolList) -> bytes:
        """Return the message as one frame."""
        payload = self._encode(message)
        size = len(payload)
        if size < 126:  # ``frame`` does the same, in a call more
            return self._short_heads[size] + payload
        if size < 65_536:
            return self._head + size.to_bytes(2, "big") + payload
        return frame(self._opcode, payload)

    def encode(self, part: Sequence[msgspec.Struct]) -> msgspec.Raw:
        """Return a part of a message, encoded, to be kept and used in many messages."""
        return msgspec.Raw(self._encode(part))

    def request(self, data: bytes, binary: bool) -> AnyRequest:
        """Return the request. Raises BadRequestError, whatever the bytes are."""
        if binary is not self.binary:
            kind = "binary" if binary else "text"
            raise BadRequestError(Refusal(Code.BAD_JSON, f"{kind} frames are not {self.subprotocol}"))
        try:
            request = self._decode(data)
        except msgspec.ValidationError as error:
            raise self._misfit(data, str(error)) from None
        except UNREADABLE as error:
            raise BadRequestError(Refusal(Code.BAD_JSON, str(error))) from None
        fewest = FEWEST_FIELDS[type(request)] - astuple(request).count(UNSET)
        # The fields of an object inside a request are not counted in MessagePack.
        if self._count_fields(data) != fewest or (type(request) is Subscribe and request.resume is not UNSET):
            self._check_repeated(data, request)
        return request

    def request_id(self, data: bytes) -> RequestId | UnsetType:
        """Return the id of a bad request, or UNSET if it cannot be read."""
        try:
            return self._with_id(data).id
        except UNREADABLE:
            return UNSET

    def action(self, data: bytes) -> str | UnsetType:
        """Return the action of a bad request, or UNSET if it cannot be read."""
        try:
            return self._with_action(data).action
        except UNREADABLE:
            return UNSET

    def _check_repeated(self, data: bytes, request: AnyRequest) -> None:
        try:
            self._check_fields(data)
        except RepeatedFieldError as repeated:
            field = _cut(repeated.field, MAX_QUOTED)
            refusal = Refusal(Code.BAD_REQUEST, f"{field}: given twice", {"field": field})
            raise BadRequestError(refusal, request.id, self.action(data)) from None

    def _misfit(self, data: bytes, problem: str) -> BadRequestError:
        action = self.action(data)
        if action is UNSET or action in ACTIONS:
            words = {} if action is UNSET else WORDS[action]
            refusal = Refusal(Code.BAD_REQUEST, *_described(problem, words))
        else:
            refusal = Refusal(Code.UNKNOWN_ACTION, f"there is no action {action[:MAX_QUOTED]!r}")
        return BadRequestError(refusal, self.request_id(data), action)


def _described(problem: str, words: Mapping[str, str]) -> tuple[str, dict[str, Detail]]:
    """Return msgspec's message, and the field that it names: "... field `name` - at `$.path`".

    If the field takes only certain words, add them: msgspec names only the wrong one.
    """
    what, at, where = problem.rpartition(" - at `$")
    if repr(ID_PATTERN) in what:  # msgspec would quote the pattern itself
        problem = f"Expected {ID_FORM}{at}{where}"
    path = where[1:-1] if at else ""
    _, is_named, name = (what or problem).partition(" field `")
    if is_named:
        path = f"{path}.{name[:-1]}" if path else name[:-1]
    takes = f"; takes {words[path]}" if path in words else ""
    return _cut(problem, 3 * MAX_QUOTED) + takes, {"field": _cut(path, MAX_QUOTED)} if path else {}


def _words(kind: type[AnyRequest]) -> dict[str, str]:
    """Return the allowed words of each field that takes only certain words (Literal)."""
    return {
        name: ", ".join(get_args(part))
        for name, hint in get_type_hints(kind).items()
        for part in (hint, *get_args(hint))
        if get_origin(part) is Literal
    }


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[:size] + "..."


WORDS: Final = {kind.__struct_config__.tag: _words(kind) for kind in get_args(AnyRequest)}
"""For each action, the allowed words of its fields."""
JSON: Final = Codec(
    JSON_SUBPROTOCOL,
    TEXT,
    msgspec.json.Encoder(),
    msgspec.json.Decoder(AnyRequest),
    msgspec.json.Decoder(_WithId),
    msgspec.json.Decoder(_WithAction),
    distinct_fields.json_fields,
    distinct_fields.check_json,
)
MSGPACK: Final = Codec(
    MSGPACK_SUBPROTOCOL,
    BINARY,
    msgspec.msgpack.Encoder(),
    msgspec.msgpack.Decoder(AnyRequest),
    msgspec.msgpack.Decoder(_WithId),
    msgspec.msgpack.Decoder(_WithAction),
    distinct_fields.msgpack_fields,
    distinct_fields.check_msgpack,
)
CODECS: Final = (JSON, MSGPACK)


def offered(subprotocols: list[str]) -> Codec | None:
    """Return the codec of the first subprotocol that we know, or None: then JSON is used (RFC 6455 4.2.2)."""
    for name in subprotocols:
        for codec in CODECS:
            if codec.subprotocol == name:
                return codec
    return None
