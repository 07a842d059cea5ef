"""Refusal: why a request is not done, as data that becomes one error reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from floorwire.core.codes import Code

Detail: TypeAlias = str | int | list[str]


class Refusal(Exception):
    """A request that is answered with an error: its code, a sentence, and details for programs.

    ``wait_us``: the same may be asked again after this time; 0 where there is none to name.
    """

    def __init__(
        self, code: Code, message: str, details: Mapping[str, Detail] | None = None, wait_us: int = 0
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details or {}
        self.wait_us = wait_us
