"""The page at ``/``: prices, a book and trades, live, without a build step; and the API's description."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse

from floorwire.web.query import CHECK_PUBLIC_QUERY

STATIC: Final = Path(__file__).parent / "static"
# Not from the machine's MIME table: with nosniff, a wrong type there would show an empty page.
MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Added to the headers of the middleware.
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}

router = APIRouter(include_in_schema=False, dependencies=[CHECK_PUBLIC_QUERY])


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> FileResponse:
    """Return the page."""
    return _part(STATIC / "index.html")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def part(name: str) -> FileResponse:
    """Return a file of the page."""
    file = STATIC / Path(name).name
    if file.suffix not in MEDIA_TYPES or not file.is_file():
        raise HTTPException(404)
    return _part(file)


@router.api_route("/openapi.json", methods=["GET", "HEAD"])
async def description(request: Request) -> JSONResponse:
    """Return the description of the HTTP API."""
    return JSONResponse(request.app.openapi())


def _part(file: Path) -> FileResponse:
    return FileResponse(file, media_type=MEDIA_TYPES[file.suffix], headers=HEADERS)
