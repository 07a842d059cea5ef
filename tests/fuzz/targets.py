"""Every target, by the name that ``make fuzz TARGET=`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.fuzz.frames import Frames
from tests.fuzz.handshake import Handshake
from tests.fuzz.http_head import HttpHead
from tests.fuzz.login import LoginRequest
from tests.fuzz.requests import json_requests, msgpack_requests
from tests.fuzz.target import Target
from tests.fuzz.ticket import OrderTicket
from tests.fuzz.token import Token
from tests.fuzz.venue_frames import VenueFrames

CORPUS: Final = Path(__file__).with_name("corpus")
TARGETS: Final[Mapping[str, Callable[[], Target]]] = {
    "http": HttpHead,
    "handshake": Handshake,
    "frames": Frames,
    "json": json_requests,
    "msgpack": msgpack_requests,
    "login": LoginRequest,
    "ticket": OrderTicket,
    "token": Token,
    "venue": VenueFrames,
}


def corpus(name: str) -> list[Path]:
    """Return the inputs that are kept for a target."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
