"""The credentials of an account at a venue. Their secrets are shown nowhere by accident."""

from __future__ import annotations

from typing import Final, final

import msgspec


@final
class Secret:
    """Holds a secret. Text, logs, errors and encoders get no more of it than ``Secret(...)``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the secret, to sign or to send it to where it belongs."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __str__(self) -> str:
        return "Secret(...)"

    def __format__(self, _spec: str) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied into files")

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class VenueCredentials(msgspec.Struct, frozen=True):
    """What signs requests to a venue. ``key`` names the secret, and is no secret itself."""

    key: str
    secret: Secret
    passphrase: Secret | None = None
    """Some venues want one beside the secret."""
