"""Refusal: an exception that becomes one error reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from floorwire.core.codes import Code

Detail: TypeAlias = str | int | list[str]


class Refusal(Exception):
    """A request is refused: an error code, a sentence for people, and details for programs.

    ``wait_us``: the same request may succeed after this time; 0: not known.
    """

    def __init__(
        self, code: Code, message: str, details: Mapping[str, Detail] | None = None, wait_us: int = 0
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details or {}
        self.wait_us = wait_us
