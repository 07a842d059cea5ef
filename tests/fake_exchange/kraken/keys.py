"""Kraken's keys: the signature of a REST request, its nonce, and the token of a WebSocket."""

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass

from tests.fake_exchange.kraken.errors import KrakenError, invalid

NONCE = re.compile(r"[0-9]{1,20}")
TOKEN_US = 900_000_000


@dataclass
class KrakenAccount:
    name: str
    api_key: str
    secret: str
    last_nonce: int = 0
    may_use_websocket: bool = True


def new_account(name: str) -> KrakenAccount:
    key = b64encode(secrets.token_bytes(42)).decode()
    return KrakenAccount(name, key, b64encode(secrets.token_bytes(64)).decode())


def sign(secret: str, path: str, nonce: str, body: str) -> str:
    """base64(HMAC-SHA512(secret, path + SHA256(nonce + body)))."""
    message = path.encode() + hashlib.sha256(f"{nonce}{body}".encode()).digest()
    return b64encode(hmac.new(b64decode(secret), message, hashlib.sha512).digest()).decode()


class KrakenKeys:
    def __init__(self, accounts: list[KrakenAccount], now_us: Callable[[], int]) -> None:
        self._accounts = {account.api_key: account for account in accounts}
        self._tokens: dict[str, tuple[KrakenAccount, int]] = {}
        self._now_us = now_us

    def check(self, path: str, body: str, nonce: str, api_key: str, signature: str) -> KrakenAccount:
        account = self._accounts.get(api_key)
        if account is None:
            raise KrakenError("EAPI:Invalid key")
        if not NONCE.fullmatch(nonce):
            raise invalid("nonce")
        if not hmac.compare_digest(sign(account.secret, path, nonce, body), signature):
            raise KrakenError("EAPI:Invalid signature")
        if int(nonce) <= account.last_nonce:
            raise KrakenError("EAPI:Invalid nonce")
        account.last_nonce = int(nonce)
        return account

    def new_token(self, account: KrakenAccount) -> dict[str, object]:
        if not account.may_use_websocket:
            raise KrakenError("EGeneral:Permission denied")
        token = b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        self._tokens[token] = account, self._now_us()
        return {"token": token, "expires": TOKEN_US // 1_000_000}

    def account_of(self, token: object, kept: str | None) -> KrakenAccount:
        """`kept` is the token of a subscription that holds: its 15 minutes do not end."""
        if not isinstance(token, str):
            raise invalid("token")
        account, issued_us = self._tokens.get(token, (None, 0))
        if account is None or (token != kept and self._now_us() - issued_us > TOKEN_US):
            raise KrakenError("ESession:Invalid session")
        return account

    def expire_tokens(self) -> None:
        """Make all tokens of before too old."""
        self._tokens = {token: (account, -TOKEN_US) for token, (account, _) in self._tokens.items()}
