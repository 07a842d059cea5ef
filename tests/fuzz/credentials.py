"""Sign-in for targets: one key and one issuer, and a SignIn that has seen nothing yet."""

from __future__ import annotations

from typing import Final

from floorwire.auth.sign_in import SignIn
from floorwire.core.authorization import Principal
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import login_signature
from tests.auth import issuer, parts
from tests.clocks import moment

KEY: Final = "fw0123456789abcdef"
AT: Final[Moment] = moment(parts.NOW)
RING: Final = parts.keyring(parts.key(KEY))
TOKENS: Final = issuer.tokens()
REFUSED: Final = frozenset(
    (Code.BAD_SIGNATURE, Code.CLOCK_SKEW, Code.RATE_LIMITED, Code.FORBIDDEN, Code.BAD_REQUEST)
)
SIGNATURE: Final = login_signature(parts.SECRET, parts.NOW)


def new_sign_in() -> SignIn:
    """Return the sign-in of a server that has just started."""
    return SignIn(RING, TOKENS, per_key_per_second=500)


def require_refusal(refusal: Refusal) -> None:
    """Require a documented refusal whose words hold nothing of what was sent."""
    assert refusal.code in REFUSED, refusal
    assert refusal.message.isascii(), refusal
    assert len(refusal.message) < 200, refusal
    assert parts.SECRET not in str(refusal)


def require_key(principal: Principal) -> None:
    """Require the principal of the one key."""
    assert (principal.key, principal.account) == (KEY, "alice"), principal
