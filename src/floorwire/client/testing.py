"""A client for tests: it runs an app of a gateway in this process, and needs no socket."""

from __future__ import annotations

from random import Random
from typing import Self

from floorwire.client.asgi_transport import ADDRESS, AsgiApp, AsgiTransport
from floorwire.client.client import Client
from floorwire.client.gateway import Encoding, Key


class InProcessClient(Client):
    """``Client``, over ASGI. ``async with`` runs the app's lifespan too."""

    def __init__(
        self,
        app: AsgiApp,
        *,
        key: Key | None = None,
        connections: int = 1,
        encoding: Encoding = "msgpack",
        seed: int = 0,
    ) -> None:
        """``seed``: of the waits between connections."""
        self._app_transport = AsgiTransport(app)
        super().__init__(
            ADDRESS,
            key=key,
            connections=connections,
            encoding=encoding,
            transport=self._app_transport,
            random=Random(seed),  # noqa: S311 - the same waits in each run
        )

    async def __aenter__(self) -> Self:
        await self._app_transport.start()
        return await super().__aenter__()
