"""The page at ``/``: prices, a book and trades, live, without a build step."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

STATIC = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    """Return the page."""
    return FileResponse(STATIC / "index.html")


@router.get("/static/{name}")
async def static(name: str) -> FileResponse:
    """Return a part of the page."""
    return FileResponse(STATIC / Path(name).name)
