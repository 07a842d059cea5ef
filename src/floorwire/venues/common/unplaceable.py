"""Says that an order cannot be placed at a venue, before anything is sent."""

from __future__ import annotations

from floorwire.core.codes import Code


class UnplaceableError(ValueError):
    """The venue has no order like this one. Nothing is sent."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
