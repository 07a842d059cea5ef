"""Finds a field that a request has twice. Parsers differ in which of the two they take, so it is refused.

msgspec takes the last one and says nothing. Most requests cost a count of their fields: a request that has as
few as its values need has none twice. Only others are decoded once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import methodcaller
from typing import Final

import msgspec
from msgspec import NODEFAULT, UNSET

FIELDS_BY_BYTE: Final = {0x80 | count: count for count in range(16)}
"""First byte of a small map in MessagePack -> how many fields it has."""
MAP16, MAP32 = 0xDE, 0xDF
json_fields: Final[Callable[[bytes], int]] = methodcaller("count", b":")
"""Returns the number of fields of a JSON message, or more: colons in texts and inner objects count too."""
_JSON_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MSGPACK_FIELDS: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


class RepeatedFieldError(ValueError):
    """A message has a field twice."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: given twice")
        self.field = field


def fewest_fields(kind: type[msgspec.Struct]) -> int:
    """Return how many fields a request of this kind has at least, beside as many as it has UNSET values.

    Its action counts. A field with another default than UNSET may be left out.
    """
    fields = msgspec.structs.fields(kind)
    return (
        1
        + len(fields)
        - sum(field.default is not NODEFAULT and field.default is not UNSET for field in fields)
    )


def msgpack_fields(data: bytes) -> int:
    """Return the number of fields of a MessagePack map."""
    first = data[0]
    if first == MAP16:
        return int.from_bytes(data[1:3])
    return int.from_bytes(data[1:5]) if first == MAP32 else FIELDS_BY_BYTE.get(first, 0)


def check_json(data: bytes) -> None:
    """Raise RepeatedFieldError if the object, which is valid, or one in it has a field twice."""
    found = _JSON_FIELDS.decode(data)
    count = json_fields(data)
    if len(found) == count:
        return
    values = b"".join(found.values())
    if len(found) + values.count(b":") != count or b"{" in values:
        json.loads(data, object_pairs_hook=distinct)


def check_msgpack(data: bytes) -> None:
    """Raise RepeatedFieldError if the map, which is valid, or one in it has a field twice."""
    found = _MSGPACK_FIELDS.decode(data)
    if len(found) != msgpack_fields(data):
        raise RepeatedFieldError("a field")
    for value in map(bytes, found.values()):
        if value[0] in FIELDS_BY_BYTE or value[0] in (MAP16, MAP32):
            check_msgpack(value)


def distinct(pairs: list[tuple[str, object]]) -> None:
    """Raise RepeatedFieldError if a field is there twice. It is a hook of the parser of ``json``."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise RepeatedFieldError(name)
        seen.add(name)
