"""The client: one object for one gateway or several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Self

from floorwire.client.errors import UnreachableError
from floorwire.client.gateway import Encoding, Gateway, GatewayClient, Key
from floorwire.client.transport import Transport
from floorwire.client.websocket_transport import WebSocketTransport

CONNECT_S = 10.0


class Client(GatewayClient):
    """The client of a gateway. ``client["eu"]`` is that of another one, named in ``others``.

    Use it by ``async with``. docs/sdk.md has everything.
    """

    def __init__(
        self,
        url: str = "ws://127.0.0.1:8000",
        *,
        key: Key | None = None,
        connections: int = 1,
        encoding: Encoding = "msgpack",
        cancel_on_disconnect_s: float | None = None,
        ca_file: str | None = None,
        proxy: str | None = None,
        allow_plain: bool = False,
        others: Mapping[str, Gateway] | None = None,
        wait_s: float | None = CONNECT_S,
        transport: Transport | None = None,
        random: Random | None = None,
    ) -> None:
        """``wait_s``: how long ``async with`` waits for the first connection; None: it does not.

        ``random`` draws the waits between connections. Raises ValueError for what cannot be used.
        """
        gateway = Gateway(
            url=url,
            key=key,
            connections=connections,
            encoding=encoding,
            cancel_on_disconnect_s=cancel_on_disconnect_s,
            ca_file=ca_file,
            proxy=proxy,
            allow_plain=allow_plain,
        )
        random = random or Random()  # noqa: S311 - spreads clients that come back, hides nothing
        super().__init__(gateway, transport or WebSocketTransport(ca_file, proxy), random)
        self._wait_s = wait_s
        self._others = {
            name: GatewayClient(other, WebSocketTransport(other.ca_file, other.proxy), random)
            for name, other in (others or {}).items()
        }

    def __getitem__(self, name: str) -> GatewayClient:
        return self._others[name]

    async def __aenter__(self) -> Self:
        self.start()
        for other in self._others.values():
            other.start()
        if self._wait_s is not None:
            try:
                async with asyncio.timeout(self._wait_s):
                    await asyncio.gather(*(one.connected() for one in self._all()))
            except TimeoutError:
                await self.aclose()
                raise UnreachableError(self._unreached()) from None
            except BaseException:
                await self.aclose()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. Everybody who waits gets ClientClosedError."""
        for other in self._others.values():
            await other.aclose()
        await super().aclose()

    def _all(self) -> list[GatewayClient]:
        return [self, *self._others.values()]

    def _unreached(self) -> str:
        problems = [one.problem for one in self._all() if one.problem]
        return f"no connection within {self._wait_s:g} s: {'; '.join(problems) or 'no answer'}"
