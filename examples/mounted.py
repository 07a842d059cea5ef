"""A gateway inside your own application: its WebSocket, page and API under a path that you choose.

    .venv/bin/uvicorn --app-dir examples mounted:app

Settings come from the environment (docs/settings.md), for example FLOORWIRE_VENUE=sim.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from floorwire.config import SettingsError
from floorwire.web import create_app

try:
    prices = create_app()
    prices.state.gateway.lock_data_folder()  # here, where a folder in use is a sentence
except SettingsError as error:
    raise SystemExit(f"floorwire: {error}") from None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run the gateway while the application runs. FastAPI does not run the lifespan of a mounted app."""
    async with prices.state.gateway.running():
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/prices", prices)


@app.get("/")
async def home() -> dict[str, str]:
    """Return the paths of the page and of the WebSocket."""
    return {"page": "/prices/", "websocket": "/prices/ws/ticker"}
