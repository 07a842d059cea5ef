"""Bybit's keys, signatures and time windows (sheet: authentication)."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_exchange.bybit.errors import BybitError

HEADERS = ("x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign")


@dataclass(frozen=True)
class BybitAccount:
    name: str
    api_key: str
    secret: str

    def sign(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def new_account(name: str) -> BybitAccount:
    return BybitAccount(name, secrets.token_urlsafe(13)[:18], secrets.token_urlsafe(27)[:36])


def check_time(timestamp: str, window: str, now_us: int) -> None:
    """Bybit: server - window <= timestamp < server + 1000, all in milliseconds."""
    if not (timestamp.isdigit() and len(timestamp) == 13 and window.isdigit()):
        raise BybitError(10001, "params error: timestamp or recv_window invalid")
    now_ms = now_us // 1_000
    if not now_ms - int(window) <= int(timestamp) < now_ms + 1_000:
        raise BybitError(10002, "invalid request, please check your server timestamp or recv_window param.")


class BybitKeys:
    def __init__(self, accounts: list[BybitAccount]) -> None:
        self._accounts = {account.api_key: account for account in accounts}

    def of_request(self, headers: Mapping[str, str], payload: str, now_us: int) -> BybitAccount:
        """The account that signed. `payload` is the raw query or the body, byte for byte."""
        key, timestamp, signature = (headers.get(name, "") for name in HEADERS)
        window = headers.get("x-bapi-recv-window", "5000")
        account = self._accounts.get(key)
        if account is None:
            raise BybitError(10003, "API key is invalid.")
        check_time(timestamp, window, now_us)
        if not hmac.compare_digest(account.sign(timestamp + key + window + payload), signature):
            raise BybitError(10004, "error sign! please check your signature generation algorithm.")
        return account

    def of_auth(self, args: list[object], now_us: int) -> BybitAccount:
        """Of a WebSocket: the key, the time when the request expires, the signature."""
        if len(args) != 3 or type(args[1]) not in (int, str) or not str(args[1]).isdigit():
            raise BybitError(10001, "params error: auth needs a key, a time and a signature")
        key, expires, signature = str(args[0]), str(args[1]), str(args[2])
        account = self._accounts.get(key)
        if account is None:
            raise BybitError(10003, "Invalid apikey")
        # Bybit: the time has to lie in the future.
        if int(expires) * 1_000 <= now_us:
            raise BybitError(10002, "The request has expired.")
        if not hmac.compare_digest(account.sign(f"GET/realtime{expires}"), signature):
            raise BybitError(10004, "Invalid sign")
        return account
