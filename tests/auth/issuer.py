"""An issuer of tokens, and what its tokens say unless a test changes it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from floorwire.auth.jwt_tokens import Issuer, Tokens
from floorwire.core.authorization import Scope
from tests.auth.parts import NOW, S

Claim: TypeAlias = str | float | list[str] | None
NOW_S = NOW // S
SHARED = b"a secret of at least thirty-two bytes".ljust(64, b".")
RSA_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER = Issuer("https://issuer.example", "floorwire", frozenset({Scope.MARKET, Scope.ACCOUNT, Scope.TRADE}))


def jwks() -> bytes:
    keys = [
        {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "r", "use": "sig", "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "e"},
        {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "not-for-signing", "use": "enc"},
        {"kty": "oct", "k": urlsafe_b64encode(SHARED).decode(), "kid": "o"},
        {"kty": "?", "kid": "q"},
    ]
    return json.dumps({"keys": keys}).encode()


def tokens() -> Tokens:
    made = Tokens(ISSUER)
    made.trust_secret(SHARED)
    made.trust_keys(jwks())
    return made


def claims(**changed: Claim) -> dict[str, Claim]:
    whole: dict[str, Claim] = {
        "iss": "https://issuer.example",
        "aud": "floorwire",
        "sub": "alice",
        "exp": NOW_S + 60,
        "scope": "market trade",
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def signed(**changed: Claim) -> str:
    return jwt.encode(claims(**changed), SHARED, "HS256")
