"""The wire as AsyncAPI 3.0, made from the message types: what the code takes and sends, nothing by hand.

``make docs`` writes docs/asyncapi.json.
"""

from __future__ import annotations

from typing import Final, TypeAlias, get_args

import msgspec

from floorwire import __version__
from floorwire.protocol.envelopes import AnyRequest, Outgoing

Document: TypeAlias = "dict[str, Document] | list[Document] | str | int | float | bool | None"

SCHEMAS: Final = "#/components/schemas/{name}"
ADDRESSES: Final = {
    "everything": ("/ws", "Every channel and, for those signed in, trading."),
    "ticker": ("/ws/ticker", "The same session, where `channel` defaults to `ticker`."),
}


def document() -> Document:
    """Return the whole description."""
    received, sent = get_args(AnyRequest), get_args(Outgoing)
    _, schemas = msgspec.json.schema_components((*received, *sent), ref_template=SCHEMAS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Floorwire",
            "version": __version__,
            "description": "Live prices out and orders in; docs/protocol.md tells what types cannot.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, received, sent) for name in ADDRESSES},
        "operations": {
            f"{verb}_{name}": {"action": verb, "channel": {"$ref": f"#/channels/{name}"}, "messages": told}
            for name in ADDRESSES
            for verb, told in (("receive", _told(name, received)), ("send", _told(name, sent)))
        },
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in (*received, *sent)},
            "schemas": schemas,
        },
    }


def _channel(name: str, received: tuple[type, ...], sent: tuple[type, ...]) -> Document:
    address, text = ADDRESSES[name]
    messages: Document = {
        kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in (*received, *sent)
    }
    return {"address": address, "description": text, "messages": messages}


def _told(name: str, kinds: tuple[type, ...]) -> Document:
    return [{"$ref": f"#/channels/{name}/messages/{kind.__name__}"} for kind in kinds]


def _message(kind: type) -> Document:
    return {
        "summary": (kind.__doc__ or "").splitlines()[0],
        "payload": {"$ref": SCHEMAS.format(name=kind.__name__)},
    }


def text() -> str:
    """Return the document as it stands in docs/asyncapi.json."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1).decode() + "\n"
