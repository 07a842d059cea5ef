"""Which exchange sent a frame, by its fields, for recordings that name no address."""

from __future__ import annotations

import msgspec

MAX_FRAMES = 200
"""So many frames at most are looked at."""


NOTHING = msgspec.Raw(b"")


class Fields(msgspec.Struct):
    """The fields that tell the exchanges apart."""

    stream: str | None = None
    e: str | None = None
    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)
    arg: msgspec.Raw = NOTHING
    topic: str | None = None
    channel: str | None = None
    sequence_num: int | None = None
    product_id: str | None = None
    method: str | None = None
    event: str | None = None


_fields = msgspec.json.Decoder(Fields)
_kraken_v1 = msgspec.json.Decoder(list[msgspec.Raw])


def exchange_of(frame: bytes) -> str | None:
    """Return the exchange's name; None if the fields do not say."""
    if frame[:1] == b"[":
        return "kraken" if _is_kraken_v1(frame) else None
    try:
        fields = _fields.decode(frame)
    except (ValueError, RecursionError):
        return None
    signs = {
        "binance": (fields.stream, fields.e, fields.last_update_id),
        "okx": (bytes(fields.arg) or None,),
        "bybit": (fields.topic,),
        "coinbase": (fields.sequence_num, fields.product_id),
        "kraken": (fields.channel, fields.method, "" if fields.event == "systemStatus" else None),
    }
    return next((name for name, found in signs.items() if any(one is not None for one in found)), None)


def _is_kraken_v1(frame: bytes) -> bool:
    """Return whether it is [channel, data, ..., channel name, pair]."""
    try:
        parts = _kraken_v1.decode(frame)
    except (ValueError, RecursionError):
        return False
    return len(parts) >= 4 and bytes(parts[0]).isdigit() and bytes(parts[-1]).startswith(b'"')
