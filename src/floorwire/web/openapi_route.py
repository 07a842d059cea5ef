"""The description of the HTTP API. It never changes, so it is encoded once and kept."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response

from floorwire.web.openapi_schemas import with_errors
from floorwire.web.request_fields import CHECK_PUBLIC_QUERY

router = APIRouter(include_in_schema=False)


class OpenApiDocument:
    """The document as bytes, made when it is first asked for."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._data: bytes | None = None
        self._making = asyncio.Lock()

    async def data(self) -> bytes:
        """Return the document. The first time, a thread makes it: that takes 20 ms."""
        async with self._making:
            if self._data is None:
                self._data = await asyncio.to_thread(
                    lambda: msgspec.json.encode(with_errors(self._app.openapi()))
                )
            return self._data


@router.api_route("/openapi.json", methods=["GET", "HEAD"], dependencies=[CHECK_PUBLIC_QUERY])
async def openapi(request: Request) -> Response:
    """Return the description of the HTTP API."""
    document: OpenApiDocument = request.app.state.openapi
    return Response(await document.data(), media_type="application/json")
