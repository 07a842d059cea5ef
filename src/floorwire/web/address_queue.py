"""A queue that is fair between addresses: one item of each address has its turn after the other."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from floorwire.auth.client_address import network_of

T = TypeVar("T")


class AddressQueue(Generic[T]):
    """First in, first out for each address. Who puts items in bounds their number."""

    def __init__(self) -> None:
        self._items: dict[str, deque[T]] = {}
        """In the order of the addresses' turns. None of them is empty."""
        self._count = 0

    def put(self, address: str, item: T) -> None:
        """Add an item of this address, as ``network_of`` names it."""
        self._items.setdefault(network_of(address), deque()).append(item)
        self._count += 1

    def pop(self) -> T:
        """Remove and return the next item. Raises StopIteration if there is none."""
        network = next(iter(self._items))
        items = self._items.pop(network)
        item = items.popleft()
        if items:
            self._items[network] = items  # at the end
        self._count -= 1
        return item

    def __len__(self) -> int:
        return self._count
