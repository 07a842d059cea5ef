"""Known addresses: from where each key has signed in before. Bounded by key and in all."""

from __future__ import annotations

MOST_KEYS = 10_000
MOST_OF_KEY = 16


class KnownAddresses:
    """Remembers the latest addresses of each key that signed in.

    When full, it forgets the key that has not signed in for the longest time. A key that signs in from many
    addresses forgets only its own.
    """

    def __init__(self, most_keys: int = MOST_KEYS, most_of_key: int = MOST_OF_KEY) -> None:
        self._most_keys = most_keys
        self._most_of_key = most_of_key
        self._addresses: dict[str, dict[str, None]] = {}  # both in the order of the last sign-in

    def add(self, key: str, address: str) -> None:
        """Remember that the key has signed in from the address now."""
        of_key = self._addresses.pop(key, {})
        self._addresses[key] = of_key
        of_key.pop(address, None)
        of_key[address] = None
        if len(of_key) > self._most_of_key:
            del of_key[next(iter(of_key))]
        if len(self._addresses) > self._most_keys:
            del self._addresses[next(iter(self._addresses))]

    def knows(self, key: str, address: str) -> bool:
        """Return whether the key has signed in from the address, and that is not forgotten."""
        return address in self._addresses.get(key, ())
