"""Coinbase's keys: a JWT for each request, signed with ES256 or EdDSA."""

import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
LIFE_S = 120
SKEW_S = 5
# The official client names cdp. Older ones, ccxt among them, name coinbase-cloud.
ISSUERS = ("cdp", "coinbase-cloud")
REST_HOST = "api.coinbase.com"


class Unauthorized(Exception):
    """The reason is for tests. Coinbase tells none."""


@dataclass
class CoinbaseAccount:
    """`secret` is what a client is given: a PEM for ES256, or 64 bytes in base64 for EdDSA."""

    name: str
    key_name: str
    secret: str
    algorithm: str
    public_key: PublicKey
    portfolio: str
    user_id: str
    may_trade: bool = True


def new_account(name: str, algorithm: str) -> CoinbaseAccount:
    key_name = f"organizations/{uuid.uuid4()}/apiKeys/{uuid.uuid4()}"
    public_key: PublicKey
    if algorithm == "ES256":
        elliptic = ec.generate_private_key(ec.SECP256R1())
        # SEC 1, as the exchange's site gives it.
        secret = elliptic.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ).decode()
        public_key = elliptic.public_key()
    else:
        edwards = ed25519.Ed25519PrivateKey.generate()
        public_key = edwards.public_key()
        seed = edwards.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        secret = b64encode(seed + public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    return CoinbaseAccount(
        name, key_name, secret, algorithm, public_key, str(uuid.uuid4()), str(uuid.uuid4())
    )


class CoinbaseKeys:
    def __init__(
        self, accounts: list[CoinbaseAccount], now_us: Callable[[], int], own_address: Callable[[], str]
    ) -> None:
        self._own_address = own_address
        self._accounts = {account.key_name: account for account in accounts}
        self._now_us = now_us

    def of_request(self, authorization: str, method: str, path: str) -> CoinbaseAccount:
        """A token of REST names the request. Its host may be the fake's own address instead of Coinbase's."""
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer":
            raise Unauthorized("no bearer token")
        account, claims = self._claims(token)
        own = self._own_address()
        hosts = (REST_HOST, own, f"http://{own}")
        allowed = [f"{method} {host}{path}" for host in hosts]
        named = claims.get("uri", claims.get("uris"))
        named = named if isinstance(named, list) else [named]
        if not named or any(uri not in allowed for uri in named):
            raise Unauthorized(f"uri {named}, not {allowed[0]}")
        return account

    def of_socket(self, token: object) -> CoinbaseAccount:
        """A token of a WebSocket names no request."""
        if not isinstance(token, str):
            raise Unauthorized("no jwt")
        account, claims = self._claims(token)
        if "uri" in claims or "uris" in claims:
            raise Unauthorized("uri")
        return account

    def _claims(self, token: str) -> tuple[CoinbaseAccount, dict[str, object]]:
        try:
            header = jwt.get_unverified_header(token)
            account = self._accounts.get(header.get("kid", ""))
            if account is None or header.get("alg") != account.algorithm:
                raise Unauthorized("kid or alg")
            if not isinstance(header.get("nonce"), str) or len(header["nonce"]) < 16:
                raise Unauthorized("nonce")
            # The times are compared with the fake's own clock, which may be skewed.
            claims: dict[str, object] = jwt.decode(
                token,
                account.public_key,
                algorithms=[account.algorithm],
                options={"verify_exp": False, "verify_nbf": False, "verify_aud": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthorized(str(error)) from None
        self._check_claims(account, claims)
        return account, claims

    def _check_claims(self, account: CoinbaseAccount, claims: dict[str, object]) -> None:
        if claims.get("sub") != account.key_name or claims.get("iss") not in ISSUERS:
            raise Unauthorized("sub or iss")
        not_before, expires = claims.get("nbf"), claims.get("exp")
        if not isinstance(not_before, int) or not isinstance(expires, int):
            raise Unauthorized("nbf or exp")
        now_s = self._now_us() / 1_000_000
        if expires - not_before > LIFE_S or not_before > now_s + SKEW_S or expires <= now_s:
            raise Unauthorized("times")
