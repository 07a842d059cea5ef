"""The page at ``/``: prices, a book and trades, live, without a build step; and the API's description."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from floorwire.web.request_fields import CHECK_PUBLIC_QUERY

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

PARTS: Final = {file.name: file.read_bytes() for file in STATIC.iterdir() if file.suffix in MEDIA_TYPES}
"""Read once: a file that is opened for each request is one more descriptor that a stranger can hold."""

router = APIRouter(include_in_schema=False, dependencies=[CHECK_PUBLIC_QUERY])


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> Response:
    """Return the page."""
    return _part("index.html")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def part(name: str) -> Response:
    """Return a file of the page."""
    if name not in PARTS:
        raise HTTPException(404)
    return _part(name)


def _part(name: str) -> Response:
    return Response(PARTS[name], media_type=MEDIA_TYPES[Path(name).suffix], headers=HEADERS)
