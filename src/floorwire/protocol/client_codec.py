"""The client's side of the wire: encode requests, and decode every message of the server to its Struct.

The two envelopes are unions. ``AnyRequest`` goes to the server and is tagged by ``action``. ``ServerMessage``
comes back. msgspec cannot decode the second one at once: replies share their ``status``, notices share their
``channel`` with events. The wire does not change for clients that exist. So there are two steps:

1. ``PlainEvent`` is a union that msgspec decodes in one call, tagged by ``channel``. It has the events that
   come all the time.
2. Whatever does not fit it is rare: replies, notices, snapshots, history. Its fields are looked at first:
   they tell which Struct it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final, Protocol, TypeAlias, TypeVar, get_args

import msgspec
from msgspec.structs import FieldInfo

from floorwire.protocol.channel_events import BookEvent, Candles, Heartbeat, System, Ticker, Trades
from floorwire.protocol.envelopes import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, AnyRequest, Outgoing
from floorwire.protocol.private_events import BalancesEvent, FillsUpdate, OrdersUpdate, PositionsEvent

ServerMessage: TypeAlias = Outgoing
"""Every message that a server sends on a WebSocket."""
PlainEvent: TypeAlias = (
    Ticker
    | Trades
    | BookEvent
    | Candles
    | Heartbeat
    | System
    | OrdersUpdate
    | FillsUpdate
    | BalancesEvent
    | PositionsEvent
)
"""The events of which there is one kind for each channel."""
STATUS: Final = "status"
"""Only replies have it."""
TELLING: Final = (STATUS, "channel", "event", "type")
"""The fields whose value tells what a message is. The names of the other fields tell the rest."""
MAX_SHAPES: Final = 1_000
"""So many combinations of fields are remembered with their Struct. Others are looked at anew."""
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, ValueError)
"""All that msgspec raises on bytes that it cannot decode."""

Shape: TypeAlias = tuple[bytes | str | None, ...]
Message = TypeVar("Message")
MessageT_co = TypeVar("MessageT_co", covariant=True)


class UnknownMessageError(Exception):
    """The bytes are no message that this version knows. A newer server may send such messages."""


class _Decoder(Protocol[MessageT_co]):
    """A decoder of msgspec, for either encoding."""

    def decode(self, data: bytes, /) -> MessageT_co: ...


class _Form:
    """What the fields of one kind of message are."""

    def __init__(self, kind: type[ServerMessage], encode: Callable[[str], bytes]) -> None:
        fields, config = msgspec.structs.fields(kind), kind.__struct_config__
        self.kind = kind
        self.known = frozenset(field.encode_name for field in fields)
        self.required = frozenset(field.encode_name for field in fields if field.required)
        self.fixed = {field.encode_name: encode(field.default) for field in fields if _has_one_value(field)}
        """Telling field -> the one value that it has, encoded."""
        if config.tag_field is not None:
            assert isinstance(config.tag, str)
            self.fixed[config.tag_field] = encode(config.tag)
            self.known |= {config.tag_field}
            self.required |= {config.tag_field}

    def fits(self, fields: Mapping[str, msgspec.Raw]) -> bool:
        """Return whether a message with these fields may be of this kind."""
        return (
            (STATUS in self.known) is (STATUS in fields)
            and self.required <= fields.keys()
            and all(bytes(fields[name]) == value for name, value in self.fixed.items() if name in fields)
        )


def _has_one_value(field: FieldInfo) -> bool:
    """Return whether a field tells the kind by its value: its default is then the only value."""
    return field.encode_name in TELLING and isinstance(field.default, str)


class ClientCodec:
    """One encoding of the wire, as a client uses it."""

    def __init__(
        self,
        subprotocol: str,
        *,
        binary: bool,
        encoder: msgspec.json.Encoder | msgspec.msgpack.Encoder,
        plain: _Decoder[PlainEvent],
        fields: _Decoder[dict[str, msgspec.Raw]],
        decoder: Callable[[type[ServerMessage]], _Decoder[ServerMessage]],
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        """Whether its messages are binary frames."""
        self.encode: Callable[[AnyRequest], bytes] = encoder.encode
        """Return a request as the payload of one frame."""
        self.decode_plain = plain.decode
        """Decode a plain event. Raises what msgspec raises for any other message: then use ``decode``."""
        self._fields = fields.decode
        self._encode_text: Callable[[str], bytes] = encoder.encode
        self._decoder = decoder
        self._kinds: dict[Shape, type[ServerMessage]] = {}

    # Both are made with the first rare message: an import does not take the time.

    @cached_property
    def _forms(self) -> tuple[_Form, ...]:
        return tuple(_Form(kind, self._encode_text) for kind in get_args(ServerMessage))

    @cached_property
    def _decoders(self) -> dict[type[ServerMessage], Callable[[bytes], ServerMessage]]:
        return {form.kind: self._decoder(form.kind).decode for form in self._forms}

    def decode(self, data: bytes) -> ServerMessage:
        """Return the message. Raises UnknownMessageError, whatever the bytes are."""
        try:
            return self.decode_plain(data)
        except msgspec.ValidationError:
            pass
        except UNREADABLE as error:
            raise UnknownMessageError(str(error)) from None
        try:
            return self._decoders[self._kind(self._fields(data))](data)
        except UNREADABLE as error:
            raise UnknownMessageError(str(error)) from None

    def _kind(self, fields: dict[str, msgspec.Raw]) -> type[ServerMessage]:
        """Return the kind of a message that has these fields. Raises UnknownMessageError."""
        shape: Shape = (*(bytes(fields[name]) if name in fields else None for name in TELLING), *fields)
        kind = self._kinds.get(shape)
        if kind is None:
            kind = self._find(fields)
            if len(self._kinds) < MAX_SHAPES:
                self._kinds[shape] = kind
        return kind

    def _find(self, fields: dict[str, msgspec.Raw]) -> type[ServerMessage]:
        """Of the kinds that fit, return the one that explains most: no field unknown, most of them required.

        A newer server may add fields. They are unknown to every kind alike.
        """
        fitting = [form for form in self._forms if form.fits(fields)]
        if not fitting:
            raise UnknownMessageError(f"no known message has the fields {', '.join(fields)}"[:500])
        return min(fitting, key=lambda form: (len(fields.keys() - form.known), -len(form.required))).kind


CLIENT_JSON: Final = ClientCodec(
    JSON_SUBPROTOCOL,
    binary=False,
    encoder=msgspec.json.Encoder(),
    plain=msgspec.json.Decoder(PlainEvent),
    fields=msgspec.json.Decoder(dict[str, msgspec.Raw]),
    decoder=msgspec.json.Decoder,
)
CLIENT_MSGPACK: Final = ClientCodec(
    MSGPACK_SUBPROTOCOL,
    binary=True,
    encoder=msgspec.msgpack.Encoder(),
    plain=msgspec.msgpack.Decoder(PlainEvent),
    fields=msgspec.msgpack.Decoder(dict[str, msgspec.Raw]),
    decoder=msgspec.msgpack.Decoder,
)
