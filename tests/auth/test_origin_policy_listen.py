from __future__ import annotations

from itertools import product

import pytest

from floorwire.auth.origin_policy import refuse_to_listen

CASES = list(product([False, True], repeat=3))


@pytest.mark.parametrize(("has_keys", "has_tls", "behind_proxy"), CASES)
def test_loopback_is_always_open_to_its_own_machine(
    has_keys: bool, has_tls: bool, behind_proxy: bool
) -> None:
    assert refuse_to_listen("127.0.0.1", has_keys, has_tls, behind_proxy) is None


@pytest.mark.parametrize(("has_keys", "has_tls", "behind_proxy"), CASES)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gw.example", ""])
def test_elsewhere_keys_and_privacy_are_needed(
    host: str, has_keys: bool, has_tls: bool, behind_proxy: bool
) -> None:
    reason = refuse_to_listen(host, has_keys, has_tls, behind_proxy)
    assert (reason is None) is (has_keys and (has_tls or behind_proxy))
    if reason is not None:
        assert ("there are no keys" in reason) is not has_keys
        assert ("--tls-cert" in reason) is not (has_tls or behind_proxy)
        assert host in reason
