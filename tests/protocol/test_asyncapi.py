"""The AsyncAPI document."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

from floorwire.protocol import asyncapi
from floorwire.protocol.envelopes import AnyRequest, Outgoing

PUBLISHED = Path(__file__).parents[2] / "docs" / "asyncapi.json"


class Components(msgspec.Struct):
    messages: dict[str, msgspec.Raw]
    schemas: dict[str, msgspec.Raw]


class Document(msgspec.Struct):
    asyncapi: str
    components: Components


def test_what_is_published_is_what_the_types_say() -> None:
    assert PUBLISHED.read_text() == asyncapi.text(), "make docs writes it anew"


def test_every_message_is_in_it_with_a_schema() -> None:
    document = msgspec.json.decode(asyncapi.text(), type=Document)
    names = {kind.__name__ for kind in (*get_args(AnyRequest), *get_args(Outgoing))}
    assert document.asyncapi == "3.0.0"
    assert document.components.messages.keys() == names
    assert names <= document.components.schemas.keys()
