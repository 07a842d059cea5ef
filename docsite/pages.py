"""All pages that the code writes, by their path below docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from docsite import codes, commands, messages, metrics
from floorwire.config.description import describe
from floorwire.protocol import asyncapi

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": describe,
    "asyncapi.json": asyncapi.text,
    "reference/messages.md": messages.page,
    "reference/errors.md": codes.errors_page,
    "reference/close-codes.md": codes.close_codes_page,
    "reference/metrics.md": metrics.page,
    "reference/commands.md": commands.page,
}
