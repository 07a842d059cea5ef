"""Lets schemathesis read answers in MessagePack, so that it holds them to their schemas, too."""

from __future__ import annotations

import msgspec
import schemathesis


@schemathesis.deserializer("application/msgpack")
def decode(_: schemathesis.DeserializationContext, response: schemathesis.Response) -> object:
    """Return the message."""
    message: object = msgspec.msgpack.decode(response.content)
    return message
