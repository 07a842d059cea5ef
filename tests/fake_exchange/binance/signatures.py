"""Binance's signatures and time windows (sheet: authentication)."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_exchange.binance.errors import BinanceError, illegal, missing
from tests.fake_exchange.market import parse_e8

# Values are percent-encoded before they are signed.
ENCODED = re.compile(r"(?:[A-Za-z0-9\-._~=&*+,:]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True)
class Account:
    name: str
    api_key: str
    secret: str


def hmac_hex(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_rest(account: Account, payload: str) -> None:
    """`payload` is the query and the body as they came, one after the other. The signature comes last."""
    signed, mark, signature = payload.rpartition("&signature=")
    if not mark:
        raise missing("signature")
    if not ENCODED.fullmatch(signed) or not hmac.compare_digest(hmac_hex(account.secret, signed), signature):
        raise BinanceError(400, -1022, "Signature for this request is not valid.")


def check_ws_api(account: Account, params: Mapping[str, str]) -> None:
    """All parameters without the signature, sorted by name, not encoded."""
    if "signature" not in params:
        raise missing("signature")
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
    if not hmac.compare_digest(hmac_hex(account.secret, payload), params["signature"]):
        raise BinanceError(400, -1022, "Signature for this request is not valid.")


def check_time(params: Mapping[str, str], now_us: int) -> None:
    if "timestamp" not in params:
        raise missing("timestamp")
    text = params["timestamp"]
    if not (text.isascii() and text.isdigit() and len(text) in (13, 16)):
        raise illegal("timestamp")
    sent_us = int(text) * (1_000 if len(text) == 13 else 1)
    window_e8 = parse_e8(params.get("recvWindow", "5000"))
    if window_e8 is None or window_e8 % 10**5:  # at most three decimals
        raise illegal("recvWindow")
    window_us = window_e8 // 10**5
    if window_us > 60_000_000:
        raise BinanceError(400, -1131, "recvWindow must be less than 60000.")
    if sent_us >= now_us + 1_000_000:
        raise BinanceError(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_us - sent_us > window_us:
        raise BinanceError(400, -1021, "Timestamp for this request is outside of the recvWindow.")
