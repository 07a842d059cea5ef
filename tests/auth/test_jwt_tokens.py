from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from floorwire.auth.jwt_tokens import MAX_TOKEN, BadTokenError, TokenKeysError, Tokens
from floorwire.core.authorization import Scope
from tests.auth.issuer import EC_KEY, ISSUER, NOW_S, RSA_KEY, SHARED, Claim, claims, signed, tokens
from tests.auth.parts import NOW, S

TOKENS = tokens()


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "r"}),
        jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "e"}),
        signed(aud=["other", "floorwire"]),
        signed(nbf=NOW_S + 29, iat=NOW_S + 29),
    ],
)
def test_a_good_token_names_its_subject(token: str) -> None:
    key, grant = tokens().verify(token, NOW)
    assert key == "jwt:alice"
    assert (grant.account, grant.scopes) == ("alice", (Scope.MARKET, Scope.TRADE))
    assert grant.expires_us == NOW + 60 * S


def test_a_token_may_narrow_what_it_grants() -> None:
    token = signed(account="desk", symbols=["BTC-USDT"], accounts=["desk", "bob"], max_notional="10.5")
    _, grant = tokens().verify(token, NOW)
    assert (grant.account, grant.symbols, grant.accounts) == ("desk", ("BTC-USDT",), ("desk", "bob"))
    assert grant.max_notional == "10.5"


def test_a_token_grants_no_more_than_its_issuer_may() -> None:
    _, grant = tokens().verify(signed(scope="admin market"), NOW)
    assert grant.scopes == (Scope.MARKET,)
    with pytest.raises(BadTokenError, match="scopes"):
        tokens().verify(signed(scope="admin"), NOW)


def unsigned(header: dict[str, str], payload: dict[str, Claim]) -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    return ".".join([*parts, ""])


def dumped() -> bytes:
    """Return the usual claims as JSON, without the last brace."""
    return json.dumps(claims()).encode()[:-1]


def raw(header: bytes, payload: bytes) -> str:
    """Return a token of these bytes, signed with the shared secret."""
    parts = [urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload)]
    signature = hmac.digest(SHARED, b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (signed(exp=NOW_S), "ended"),
        (signed(exp=None), "exp"),
        (signed(exp="soon"), "exp"),
        (signed(exp=1e300), "exp"),
        (signed(nbf=NOW_S + 31), "not valid yet"),
        (signed(iat=NOW_S + 31), "not valid yet"),
        (signed(iss="https://evil.example"), "another issuer"),
        (signed(iss=None), "iss"),
        (signed(aud="elsewhere"), "somebody else"),
        (signed(aud=[]), "somebody else"),
        (signed(aud=None), "aud"),
        (signed(sub=None), "sub"),
        (signed(sub=""), "sub"),
        (signed(sub="\x1b[2J", account="alice"), r"sub is not printable: '\\x1b\[2J'"),
        (signed(sub="a\u202eb", account="alice"), "sub is not printable"),
        (signed(sub="a\x9bb", account="alice"), "sub is not printable"),
        (signed(account="a b"), "account"),
        (signed(account=""), "account"),
        (raw(b'{"alg": "HS256"}', dumped() + b', "scope": "market trade"}'), "scope: given twice"),
        (raw(b'{"alg": "HS256"}', dumped() + b', "\\u0065xp": 9999999999}'), "exp: given twice"),
        (raw(b'{"alg": "none", "alg": "HS256"}', dumped() + b"}"), "alg: given twice"),
        (signed(symbols=["x"]), "symbols"),
        (jwt.encode(claims(), b"another secret of thirty-two bytes!", "HS256"), "[Ss]ignature"),
        (jwt.encode(claims(), SHARED, "HS512"), "no key for 'HS512'"),
        (unsigned({"alg": "none"}, claims()), "no key for 'none'"),
        (unsigned({"alg": "None", "kid": "r"}, claims()), "no key for 'None'"),
        # the public key as the secret of HS256: the classic confusion of algorithms
        (jwt.encode(claims(), b"x" * 32, "HS256", headers={"kid": "r"}), "[Ss]ignature"),
        (jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "r"}), "no key for 'ES256'"),
        (jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "not-for-signing"}), "no key for"),
        (jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "unknown"}), "no key for"),
        (jwt.encode(claims(), RSA_KEY, "RS256"), "no key for"),
        (jwt.encode(claims(), RSA_KEY, "RS512", headers={"kid": "r"}), "no key for 'RS512'"),
        (signed()[:-4] + "AAAA", "[Ss]ignature"),
        ("x" * (MAX_TOKEN + 1), "too long"),
        ("é.é.é", "ASCII"),
        ("..", "truncated"),
        ("", "truncated"),
        ("a.b.c", "JSON|base64"),
    ],
)
def test_a_bad_token_says_why(token: str, why: str) -> None:
    with pytest.raises(BadTokenError, match=why):
        tokens().verify(token, NOW)


def test_the_only_key_needs_no_id() -> None:
    made = Tokens(ISSUER)
    made.trust_keys(json.dumps({"keys": [json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key()))]}).encode())
    assert made.verify(jwt.encode(claims(), RSA_KEY, "RS256"), NOW)[0] == "jwt:alice"
    with pytest.raises(BadTokenError, match="no key for 'HS256'"):
        made.verify(signed(), NOW)


def test_new_keys_take_the_place_of_old_ones() -> None:
    made = tokens()
    made.trust_keys(json.dumps({"keys": [json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key()))]}).encode())
    with pytest.raises(BadTokenError):
        made.verify(jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "r"}), NOW)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys":[]}', b'{"keys":[1]}', b'{"keys":5}', b"\xff",
                                  b'{"keys":[{"kty":"oct","k":"AAAA"}]}'])  # fmt: skip
def test_what_is_no_key_set_is_refused_and_the_old_one_stays(text: bytes) -> None:
    made = tokens()
    with pytest.raises(TokenKeysError):
        made.trust_keys(text)
    made.verify(jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "r"}), NOW)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(TokenKeysError, match="32"):
        Tokens(ISSUER).trust_secret(b"short")


@given(
    st.text(alphabet=st.characters(codec="utf-8")) | st.from_regex(r"[A-Za-z0-9_=-]*(\.[A-Za-z0-9_=-]*){2}")
)
def test_no_text_is_a_token_nor_breaks_the_check(text: str) -> None:
    with pytest.raises(BadTokenError):
        TOKENS.verify(text, NOW)


def test_the_clock_of_the_machine_is_not_asked() -> None:
    assert time.time() < NOW_S, "choose a later NOW: this test needs one that is not yet"
    tokens().verify(signed(nbf=NOW_S, iat=NOW_S), NOW)
