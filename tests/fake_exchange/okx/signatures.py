"""OKX's keys, signatures and time windows (sheet: authentication)."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.fake_exchange.okx.errors import RequestError

VALID_US = 30_000_000
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
HEADERS = (
    ("ok-access-key", "50103"),
    ("ok-access-passphrase", "50104"),
    ("ok-access-sign", "50106"),
    ("ok-access-timestamp", "50107"),
)


@dataclass(frozen=True)
class OkxAccount:
    name: str
    api_key: str
    secret: str
    passphrase: str

    def sign(self, text: str) -> str:
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def new_account(name: str) -> OkxAccount:
    return OkxAccount(name, secrets.token_hex(16), secrets.token_hex(16).upper(), secrets.token_hex(4))


class OkxKeys:
    def __init__(self, accounts: list[OkxAccount]) -> None:
        self._accounts = {account.api_key: account for account in accounts}

    def of_request(
        self, headers: Mapping[str, str], method: str, target: str, body: str, now_us: int
    ) -> OkxAccount:
        """The account that signed this request. `target` is the path with its query."""
        if headers.get("x-simulated-trading") == "1":
            raise RequestError(401, "50101", "APIKey does not match current environment.")
        for name, code in HEADERS:
            if not headers.get(name):
                raise RequestError(401, code, f"Request header {name.upper()} can not be empty.")
        timestamp = headers["ok-access-timestamp"]
        if not TIMESTAMP.fullmatch(timestamp):
            raise RequestError(401, "50112", "Invalid OK-ACCESS-TIMESTAMP")
        sent_us = int(datetime.fromisoformat(timestamp).timestamp() * 1_000) * 1_000
        if abs(now_us - sent_us) > VALID_US:
            raise RequestError(401, "50102", "Timestamp request expired")
        account = self._accounts.get(headers["ok-access-key"])
        if account is None:
            raise RequestError(401, "50119", "API key doesn't exist")
        if headers["ok-access-passphrase"] != account.passphrase:
            raise RequestError(401, "50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
        expected = account.sign(timestamp + method + target + body)
        if not hmac.compare_digest(expected.encode(), headers["ok-access-sign"].encode()):
            raise RequestError(401, "50113", "Invalid Sign")
        return account

    def of_login(self, login: Mapping[str, object], now_us: int) -> OkxAccount:
        timestamp = login.get("timestamp")
        # OKX: a login has the time in seconds.
        if not isinstance(timestamp, str) or not re.fullmatch(r"\d{10}", timestamp):
            raise RequestError(400, "60004", "Invalid timestamp")
        if abs(now_us - int(timestamp) * 1_000_000) > VALID_US:
            raise RequestError(400, "60006", "Timestamp request expired")
        account = self._accounts.get(str(login.get("apiKey")))
        if account is None:
            raise RequestError(400, "60005", "Invalid apiKey")
        signed = hmac.compare_digest(
            account.sign(f"{timestamp}GET/users/self/verify").encode(), str(login.get("sign")).encode()
        )
        if not signed or login.get("passphrase") != account.passphrase:
            raise RequestError(400, "60009", "Login failed.")
        return account
