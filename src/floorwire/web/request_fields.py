"""Checks fields: a request may have those that its endpoint declares, each once, and no others.

An ignored field is a danger. A client that asks for the orders of one symbol, gets all, and cancels the list,
would cancel everything. Of a body's fields only that each is given once is checked here.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.distinct_fields import RepeatedFieldError, distinct
from floorwire.web.auth_context import RequestAuth

WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})
MAX_QUOTED: Final = 64
PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")


async def check(request: Request, _: RequestAuth) -> None:
    """Raise Refusal for a field that the endpoint does not declare, and for one that is given twice.

    It depends on RequestAuth, so that wrong keys and too many requests are refused first.
    """
    await check_public(request)
    body = await request.body()
    if request.method not in WITHOUT_BODY:
        _check_body(body)
    elif body:
        raise _bad("body", "none here: the path and the query say it")


async def check_public(request: Request) -> None:
    """Check the query only, where everybody may ask."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    takes = sorted(field.alias for field in route.dependant.query_params)
    seen: set[str] = set()
    for name, _text in request.query_params.multi_items():
        if name not in takes:
            raise _bad(name, f"no such field; takes {', '.join(takes) or 'none'}")
        if name in seen:
            raise _bad(name, "given twice")
        seen.add(name)


def _check_body(body: bytes) -> None:
    """Raise Refusal for a field that is given twice: parsers differ in which of the two they take.

    What is no JSON is left to the endpoint. Other encodings are refused: an endpoint's parser would read
    them, and whoever looks at requests on their way would not (RFC 8259 8.1).
    """
    if json.detect_encoding(body) != "utf-8":
        raise Refusal(Code.BAD_JSON, "the body has to be UTF-8, without a byte order mark")
    try:
        json.loads(body.decode(), object_pairs_hook=distinct)
    except UnicodeDecodeError:
        raise Refusal(Code.BAD_JSON, "the body is not valid UTF-8") from None
    except RepeatedFieldError as twice:
        raise _bad(twice.field, "given twice") from None
    except (ValueError, RecursionError):
        pass


def _plain(text: object) -> object:
    """Return the text of a whole number. Raises ValueError for 05, +5 and 5_0, which int() would take."""
    if isinstance(text, str) and not PLAIN_INTEGER.fullmatch(text):
        raise ValueError("a whole number is written in digits, without a leading zero")
    return text


def _bad(field: str, message: str) -> Refusal:
    quoted = field[:MAX_QUOTED]
    return Refusal(Code.BAD_REQUEST, f"{quoted}: {message}", {"field": quoted})


PlainInteger: TypeAlias = Annotated[int, BeforeValidator(_plain)]
"""The type of a query field that is a whole number."""
CHECK_QUERY: Final = Depends(check)
"""A router's dependency: checks the fields of every endpoint."""
CHECK_PUBLIC_QUERY: Final = Depends(check_public)
"""The same for paths that everybody may ask for."""
