"""The description of the HTTP API and of the WebSocket, for programs and as pages for people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response

from floorwire.protocol import asyncapi
from floorwire.web import description_page
from floorwire.web.openapi_schemas import with_errors
from floorwire.web.request_fields import CHECK_PUBLIC_QUERY

# The pages have no scripts and no forms. Everything that they load is ours.
PAGE_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}

router = APIRouter(include_in_schema=False, dependencies=[CHECK_PUBLIC_QUERY])


class KeptDocument:
    """A document that never changes while the server runs: made when it is first asked for, and kept."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._data: bytes | None = None
        self._making = asyncio.Lock()

    async def data(self) -> bytes:
        """Return the document. The first time, a thread makes it: that takes some 20 ms."""
        async with self._making:
            if self._data is None:
                self._data = await asyncio.to_thread(self._make)
            return self._data


class Descriptions:
    """The four documents of an app."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.openapi = KeptDocument(self._openapi)
        self.openapi_page = KeptDocument(lambda: description_page.openapi_page(self._openapi()))
        self.asyncapi = KeptDocument(lambda: asyncapi.text().encode())
        self.asyncapi_page = KeptDocument(lambda: description_page.asyncapi_page(asyncapi.text().encode()))

    def _openapi(self) -> bytes:
        return msgspec.json.encode(with_errors(self._app.openapi()))


def _descriptions(request: Request) -> Descriptions:
    found: Descriptions = request.app.state.descriptions
    return found


@router.api_route("/openapi.json", methods=["GET", "HEAD"])
async def openapi(request: Request) -> Response:
    """Return the description of the HTTP API."""
    return Response(await _descriptions(request).openapi.data(), media_type="application/json")


@router.api_route("/asyncapi.json", methods=["GET", "HEAD"])
async def asyncapi_document(request: Request) -> Response:
    """Return the description of the WebSocket."""
    return Response(await _descriptions(request).asyncapi.data(), media_type="application/json")


@router.api_route("/docs", methods=["GET", "HEAD"])
async def openapi_page(request: Request) -> Response:
    """Return the page that shows the HTTP API."""
    return _page(await _descriptions(request).openapi_page.data())


@router.api_route("/asyncapi", methods=["GET", "HEAD"])
async def asyncapi_page(request: Request) -> Response:
    """Return the page that shows the messages of the WebSocket."""
    return _page(await _descriptions(request).asyncapi_page.data())


def _page(data: bytes) -> Response:
    return Response(data, media_type="text/html", headers=PAGE_HEADERS)
