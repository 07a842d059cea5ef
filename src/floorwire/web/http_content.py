"""What form a client takes an answer in, and whether it has it already: Accept, ETag, Cache-Control.

RFC 9110 12.5.1 and 13.1.2.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import msgspec
from fastapi import Response
from starlette.datastructures import Headers

Cache: TypeAlias = Literal["closed", "open", "none"]
"""``closed``: what was asked for changes no more. ``open``: it may have changed. ``none``: it always does."""

JSON_TYPE: Final = "application/json"
MSGPACK_TYPE: Final = "application/msgpack"
MSGPACK_TYPES: Final = frozenset((MSGPACK_TYPE, "application/x-msgpack", "application/vnd.msgpack"))
ANYTHING: Final = ("application/*", "*/*")
CLOSED_MAX_AGE_S: Final = 60
"""A late trade, or a hole that is filled, may still change it: so it is not kept for long."""


def media_type(headers: Headers) -> str:
    """Return the type of the answer: MessagePack if the client names it and prefers it, else JSON."""
    qualities: dict[str, float] = {}
    for part in ",".join(headers.getlist("accept")).split(","):
        name, *parameters = (text.strip().lower() for text in part.split(";"))
        qualities[name] = max(qualities.get(name, 0), _quality(parameters))
    msgpack = max((qualities[name] for name in MSGPACK_TYPES if name in qualities), default=0)
    others = (qualities[name] for name in (JSON_TYPE, *ANYTHING) if name in qualities)
    json = next(others, 0)
    is_preferred = msgpack > json or (msgpack == json and JSON_TYPE not in qualities)
    return MSGPACK_TYPE if msgpack and is_preferred else JSON_TYPE


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name == "q":
            try:
                return min(1.0, max(0.0, float(text)))
            except ValueError:
                return 0.0
    return 1.0


def respond(headers: Headers, message: msgspec.Struct, cache: Cache) -> Response:
    """Return the message in the form that the client takes; 304 without it if the client has it already.

    ``headers``: those of the request.
    """
    kind = media_type(headers)
    body = msgspec.msgpack.encode(message) if kind == MSGPACK_TYPE else msgspec.json.encode(message)
    # Who may see it depends on the key. A shared cache must not give it to others.
    scope = "private" if "authorization" in headers else "public"
    told = {"vary": "Accept, Authorization, Origin"}
    if cache == "none":
        told["cache-control"] = "no-store"
        return Response(body, media_type=kind, headers=told)
    is_closed = cache == "closed"
    told["cache-control"] = f"{scope}, max-age={CLOSED_MAX_AGE_S}" if is_closed else f"{scope}, no-cache"
    tag = told["etag"] = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    if _has(headers, tag):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=kind, headers=told)


def _has(headers: Headers, tag: str) -> bool:
    shown = [part.strip() for part in ",".join(headers.getlist("if-none-match")).split(",")]
    return "*" in shown or any(part.removeprefix("W/") == tag for part in shown)
