"""Checks query fields: a request may have those that its endpoint declares, each once, and no others.

An ignored field is a danger. A client that asks for the orders of one symbol, gets all, and cancels the list,
would cancel everything.
"""

from __future__ import annotations

from typing import Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.auth_context import RequestAuth

WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})
MAX_QUOTED: Final = 64


async def check(request: Request, _: RequestAuth) -> None:
    """Raise Refusal for a field that the endpoint does not declare, and for one that is given twice.

    It depends on RequestAuth, so that wrong keys and too many requests are refused first.
    """
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
    if request.method in WITHOUT_BODY and await request.body():
        raise _bad("body", "none here: the path and the query say it")


def _bad(field: str, message: str) -> Refusal:
    quoted = field[:MAX_QUOTED]
    return Refusal(Code.BAD_REQUEST, f"{quoted}: {message}", {"field": quoted})


CHECK_QUERY: Final = Depends(check)
"""A router's dependency: checks the query fields of every endpoint."""
