"""A document that never changes while the server runs: made once, when it is first asked for, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class KeptDocument:
    """The document as bytes."""

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
