from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from floorwire.auth.failure_throttle import FIRST_US, FREE, FREE_OF_ADDRESS
from floorwire.auth.keyring import Key
from floorwire.auth.replay_cache import SignedLogin, UsedLogins
from floorwire.auth.sign_in import SKEW_US, TOKENS_PER_S, SignIn, uses_api_key
from floorwire.auth.tickets import LIMIT_PER_KEY
from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import BURST_S
from floorwire.protocol.requests import login_signature
from tests.auth.issuer import signed as token
from tests.auth.issuer import tokens
from tests.auth.parts import HERE, NOW, SECRET, S, grant, key, keyring
from tests.clocks import moment

ELSEWHERE = "198.51.100.9"


def sign_in(*keys: Key, per_second: int = 1_000) -> SignIn:
    return SignIn(keyring(*keys), tokens(), per_second)


def refused(attempt: Callable[[], Principal]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        attempt()
    return raised.value


def login(
    at: SignIn, ts_us: int = NOW, secret: str = SECRET, now_us: int = NOW, address: str = HERE
) -> Principal:
    return at.verify_signed_login("k1", ts_us, login_signature(secret, ts_us), address, moment(now_us))


def fail(at: SignIn, times: int, name: str = "k1", address: str = HERE, now_us: int = NOW) -> None:
    for _ in range(times):
        assert (
            refused(lambda: at.verify_bearer(f"{name}.wrong", address, moment(now_us))).code
            is Code.BAD_SIGNATURE
        )


def test_every_way_in() -> None:
    at = sign_in()
    by_secret = at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    assert by_secret is login(at)
    assert (by_secret.key, by_secret.account) == ("k1", "alice")
    assert uses_api_key(by_secret)
    for by_token in (
        at.verify_bearer(token(), HERE, moment(NOW)),
        at.verify_token(token(), HERE, moment(NOW)),
    ):
        assert (by_token.key, by_token.account) == ("jwt:alice", "alice")
        assert not uses_api_key(by_token)
        assert at.is_current(by_token, NOW)
        assert not at.is_current(by_token, NOW + 60 * S)
    at.issue_ticket("ticket", by_secret, moment(NOW))
    assert at.redeem_ticket("ticket", HERE, moment(NOW)) is by_secret


@pytest.mark.parametrize("text", ["", ".", "k1", "k1.", f".{SECRET}", f"k2.{SECRET}", "k1.wrong", "a.b.c",
                                  f"k1.{SECRET}.", f"k1.{SECRET} ", "jwt:alice.x"])  # fmt: skip
def test_wrong_is_answered_in_the_same_words(text: str) -> None:
    refusal = refused(lambda: sign_in().verify_bearer(text, HERE, moment(NOW)))
    assert (refusal.code, refusal.message) == (Code.BAD_SIGNATURE, Code.BAD_SIGNATURE.meaning)
    assert not refusal.details


def test_without_an_issuer_no_token_is_taken() -> None:
    at = SignIn(keyring(), None, 1_000)
    refusal = refused(lambda: at.verify_token(token(), HERE, moment(NOW)))
    assert refusal.code is Code.BAD_SIGNATURE
    assert "issuer" in str(refusal.__cause__)


def test_a_login_is_used_once() -> None:
    at = sign_in()
    login(at)
    assert refused(lambda: login(at)).code is Code.BAD_SIGNATURE
    assert refused(lambda: login(at, now_us=NOW + SKEW_US)).code is Code.BAD_SIGNATURE
    login(at, ts_us=NOW + 1)


def test_after_a_restart_nothing_signed_before_it_is_good() -> None:
    at = sign_in()
    at.start(UsedLogins(NOW - 5 * S, (SignedLogin("k1", NOW + S),)), NOW)
    for ts_us in (NOW - 6 * S, NOW - 4 * S, NOW - 1):
        refusal = refused(lambda ts_us=ts_us: login(at, ts_us=ts_us))  # type: ignore[misc]
        assert (refusal.code, refusal.code.retry, refusal.details) == (
            Code.CLOCK_SKEW,
            True,
            {"server_ts": NOW},
        )
    assert refused(lambda: login(at, ts_us=NOW + S)).code is Code.BAD_SIGNATURE
    login(at, ts_us=NOW)
    login(at, ts_us=NOW + 2 * S)


def test_after_a_start_with_a_clock_that_is_set_back_only_what_was_used_is_refused() -> None:
    at = sign_in()
    at.start(UsedLogins(NOW - 5 * S, (SignedLogin("k1", NOW - S),)), NOW + 3_600 * S)
    assert refused(lambda: login(at, ts_us=NOW - 5 * S)).code is Code.CLOCK_SKEW
    assert refused(lambda: login(at, ts_us=NOW - S)).code is Code.BAD_SIGNATURE
    login(at, ts_us=NOW - 2 * S)


def test_where_nobody_knows_what_was_used_logins_begin_after_30_s() -> None:
    at = sign_in()
    at.start(None, NOW)
    assert refused(lambda: login(at, ts_us=NOW + SKEW_US)).code is Code.CLOCK_SKEW
    login(at, ts_us=NOW + SKEW_US + 1, now_us=NOW + S)


def test_what_was_used_is_told_for_the_next_start() -> None:
    at = sign_in()
    login(at, ts_us=NOW + S)
    login(at, ts_us=NOW - S)
    assert at.used_logins(NOW) == UsedLogins(NOW, (SignedLogin("k1", NOW + S),))


@pytest.mark.parametrize("off_us", [-SKEW_US, SKEW_US])
def test_a_login_is_good_for_30_s_around_its_time(off_us: int) -> None:
    at = sign_in()
    beyond = off_us + (1 if off_us > 0 else -1)
    refusal = refused(lambda: login(at, ts_us=NOW + beyond))
    assert (refusal.code, refusal.details) == (Code.CLOCK_SKEW, {"server_ts": NOW})
    login(at, ts_us=NOW + off_us)
    assert (
        refused(lambda: login(at, ts_us=NOW + off_us, now_us=NOW + max(off_us, 0))).code is Code.BAD_SIGNATURE
    )


def test_a_ticket_dies_with_its_key() -> None:
    at = sign_in()
    at.issue_ticket("ticket", at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW)), moment(NOW))
    at.keyring.replace([key(revoked=NOW)])
    assert refused(lambda: at.redeem_ticket("ticket", HERE, moment(NOW))).code is Code.BAD_SIGNATURE


def test_tickets_are_bounded() -> None:
    at = sign_in()
    principal = at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    for number in range(LIMIT_PER_KEY):
        at.issue_ticket(f"t{number}", principal, moment(NOW))
    with pytest.raises(Refusal) as raised:
        at.issue_ticket("more", principal, moment(NOW))
    assert (raised.value.code, raised.value.wait_us) == (Code.RATE_LIMITED, S)


def test_a_key_is_used_from_its_addresses() -> None:
    at = sign_in(key(given=grant(addresses=("192.0.2.0/24",))))
    assert refused(lambda: at.verify_bearer(f"k1.{SECRET}", ELSEWHERE, moment(NOW))).code is Code.FORBIDDEN
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))


@pytest.mark.parametrize("listed", [f"::ffff:{HERE}", "::ffff:192.0.2.0/120", HERE])
def test_a_mapped_address_that_a_key_is_limited_to_is_the_ipv4_address(listed: str) -> None:
    at = sign_in(key(given=grant(addresses=(listed,))))
    for address in (HERE, f"::ffff:{HERE}"):
        at.verify_bearer(f"k1.{SECRET}", address, moment(NOW))
    assert refused(lambda: at.verify_bearer(f"k1.{SECRET}", ELSEWHERE, moment(NOW))).code is Code.FORBIDDEN


def test_failures_make_an_address_wait_longer_each_time() -> None:
    at = sign_in()
    for number in range(FREE_OF_ADDRESS + 1):
        fail(at, 1, name=f"x{number}")
    first = refused(lambda: at.verify_bearer("other.wrong", HERE, moment(NOW)))
    assert first.code is Code.RATE_LIMITED
    assert first.wait_us > 0
    later = NOW + first.wait_us
    fail(at, 1, name="unknown", now_us=later)
    assert refused(lambda: at.verify_bearer("other.wrong", HERE, moment(later))).wait_us == 2 * first.wait_us
    assert refused(lambda: at.verify_token("a.b.c", HERE, moment(later))).code is Code.RATE_LIMITED
    assert refused(lambda: at.redeem_ticket("t", HERE, moment(later))).code is Code.RATE_LIMITED
    assert refused(lambda: login(at, now_us=later)).code is Code.RATE_LIMITED
    at.verify_bearer(f"k1.{SECRET}", ELSEWHERE, moment(later))


def test_failures_make_a_key_wait_where_they_come_from() -> None:
    at = sign_in()
    fail(at, FREE + 1)
    first = refused(lambda: at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW)))
    assert first.code is Code.RATE_LIMITED
    assert refused(lambda: login(at)).code is Code.RATE_LIMITED
    later = NOW + first.wait_us
    fail(at, 1, now_us=later)
    assert refused(lambda: at.verify_bearer(f"k1.{SECRET}", HERE, moment(later))).wait_us == 2 * first.wait_us


def test_tokens_and_tickets_that_fail_wait_and_nothing_else_does() -> None:
    at = sign_in()
    for _ in range(FREE + 1):
        assert refused(lambda: at.verify_token("a.b.c", HERE, moment(NOW))).code is Code.BAD_SIGNATURE
    assert refused(lambda: at.verify_token("a.b.c", HERE, moment(NOW))).code is Code.RATE_LIMITED
    for _ in range(FREE + 1):
        assert refused(lambda: at.redeem_ticket("t", HERE, moment(NOW))).code is Code.BAD_SIGNATURE
    assert refused(lambda: at.redeem_ticket("t", HERE, moment(NOW))).code is Code.RATE_LIMITED
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))


def forged(subject: str = "alice") -> str:
    """Return a token that claims the subject, with a wrong signature."""
    head, body, signature = token(sub=subject).split(".")
    return f"{head}.{body}.{signature[::-1]}"


def everything_fails(at: SignIn) -> None:
    """Let somebody at the owner's address show whatever is wrong and names the owner's key."""
    for number in range(2 * FREE_OF_ADDRESS):
        for attempt in (
            partial(at.verify_bearer, "k1.wrong", HERE, moment(NOW)),
            partial(at.verify_bearer, f"x{number}.wrong", HERE, moment(NOW)),
            partial(at.verify_bearer, "jwt:alice.wrong", HERE, moment(NOW)),
            partial(at.verify_token, forged(), HERE, moment(NOW)),
            partial(at.verify_token, "a.b.c", HERE, moment(NOW)),
            partial(at.redeem_ticket, "t", HERE, moment(NOW)),
            partial(login, at, secret="wrong"),
        ):
            assert refused(attempt).code in (Code.BAD_SIGNATURE, Code.RATE_LIMITED)


def test_no_failure_of_others_refuses_a_ticket() -> None:
    at = sign_in()
    at.issue_ticket("ticket", at.verify_bearer(f"k1.{SECRET}", ELSEWHERE, moment(NOW)), moment(NOW))
    everything_fails(at)
    assert at.redeem_ticket("ticket", HERE, moment(NOW)).key == "k1"
    assert refused(lambda: at.redeem_ticket("ticket", HERE, moment(NOW))).code is Code.RATE_LIMITED


def test_no_failure_of_others_locks_an_owner_out_where_it_has_signed_in_before() -> None:
    at = sign_in()
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    at.verify_token(token(), HERE, moment(NOW))
    everything_fails(at)
    for _ in range(2 * TOKENS_PER_S * BURST_S):
        assert refused(lambda: at.verify_token(forged(), HERE, moment(NOW))).code is Code.RATE_LIMITED
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    login(at)
    at.verify_token(token(), HERE, moment(NOW))
    at.verify_bearer(token(), HERE, moment(NOW))


def test_where_an_owner_is_known_what_is_wrong_waits_all_the_same() -> None:
    at = sign_in()
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    fail(at, FREE + 1)
    for _ in range(3):
        wrong = refused(lambda: at.verify_bearer("k1.wrong", HERE, moment(NOW)))
        assert (wrong.code, wrong.wait_us) == (Code.RATE_LIMITED, FIRST_US), "it does not count"
    assert refused(lambda: login(at, secret="wrong")).code is Code.RATE_LIMITED
    assert not at.refuses_bearer("k1.wrong", HERE, moment(NOW)), "no key is read for it"


def neighbours_fail(at: SignIn) -> None:
    """Let so many others fail at the owner's address that it waits."""
    for number in range(FREE_OF_ADDRESS + 1):
        fail(at, 1, name=f"x{number}")
    assert refused(lambda: at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))).code is Code.RATE_LIMITED


def test_a_token_is_looked_at_although_its_address_waits() -> None:
    at = sign_in()
    neighbours_fail(at)
    assert refused(lambda: at.verify_token(forged(), HERE, moment(NOW))).code is Code.RATE_LIMITED
    at.verify_token(token(), HERE, moment(NOW))


def test_where_nobody_is_known_so_many_tokens_are_looked_at() -> None:
    at = sign_in()
    neighbours_fail(at)
    for _ in range(TOKENS_PER_S * BURST_S):
        assert refused(lambda: at.verify_token(forged("eve"), HERE, moment(NOW))).code is Code.RATE_LIMITED
    assert refused(lambda: at.verify_token(token(), HERE, moment(NOW))).code is Code.RATE_LIMITED
    at.verify_token(token(), HERE, moment(NOW + S // TOKENS_PER_S))
    at.verify_token(token(), HERE, moment(NOW + S // TOKENS_PER_S))


def test_one_customer_of_ipv6_is_one_address() -> None:
    at = sign_in()
    for number in range(FREE_OF_ADDRESS + 1):
        fail(at, 1, name=f"x{number}", address=f"2001:db8::{number:x}")
    assert (
        refused(lambda: at.verify_bearer(f"k1.{SECRET}", "2001:db8::ffff", moment(NOW))).code
        is Code.RATE_LIMITED
    )


def test_a_mapped_address_is_its_ipv4_address() -> None:
    at = sign_in()
    fail(at, FREE + 1, address=f"::ffff:{HERE}")
    assert refused(lambda: at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))).code is Code.RATE_LIMITED


def test_failures_elsewhere_never_lock_a_key_out() -> None:
    """Not even after a restart, when no address is known."""
    at = sign_in()
    for number in range(4 * FREE):
        fail(at, 1, address=f"198.51.100.{number}")
    fail(at, FREE, address=ELSEWHERE)
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    login(at)


def test_neighbours_do_not_lock_a_new_key_out_soon_nor_a_known_one_ever() -> None:
    at = sign_in(key("k1"), key("k2"))
    for number in range(FREE_OF_ADDRESS):
        fail(at, 1, name=f"x{number}")
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    fail(at, 1, name="x")
    assert refused(lambda: at.verify_bearer(f"k2.{SECRET}", HERE, moment(NOW))).code is Code.RATE_LIMITED
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    fail(at, FREE + 1)
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))


def test_failures_from_where_a_key_may_not_be_used_do_not_count_for_it() -> None:
    at = sign_in(key(given=grant(addresses=("192.0.2.0/24",))))
    for number in range(2 * FREE):
        fail(at, 1, address=f"198.51.100.{number}")
    at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))


def test_ids_of_any_length_take_bounded_memory() -> None:
    at = sign_in()
    tracemalloc.start()
    for number in range(FREE_OF_ADDRESS):
        fail(at, 1, name=f"{number}" + "x" * 100_000)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 1_000_000


def test_a_key_signs_in_so_often_and_no_more() -> None:
    at = sign_in(key("k1"), key("k2"), per_second=2)
    for _ in range(2 * BURST_S):
        at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW))
    refusal = refused(lambda: at.verify_bearer(f"k1.{SECRET}", HERE, moment(NOW)))
    assert (refusal.code, refusal.wait_us) == (Code.RATE_LIMITED, S // 2)
    at.verify_bearer(f"k2.{SECRET}", HERE, moment(NOW))


def test_a_token_carries_its_scopes() -> None:
    principal = sign_in().verify_token(token(scope="account"), HERE, moment(NOW))
    assert principal.scopes == {Scope.ACCOUNT}
