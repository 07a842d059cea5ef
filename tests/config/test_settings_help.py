"""A setting that does not fit is named, with what it takes and what was probably meant."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire import config
from floorwire.config import SettingsError

SAID = [
    ("auth.market=keys", "auth.market takes auto, key, open, not 'keys'; did you mean key?"),
    ("auth.markt=open", "auth.markt: there is no such setting; did you mean auth.market?"),
    ("market=open", "market: there is no such setting; did you mean auth.market?"),
    ("limits.conections=5", "limits.conections: there is no such setting; did you mean limits.connections?"),
    ("limits.connections=0", "limits.connections takes a whole number of at least 1, not '0'"),
    ("port=http", "port takes a whole number of at least 0 and of at most 65535, not 'http'"),
    ("fees.maker=2", "fees.maker takes a number of at least 0 and below 1, not '2'"),
    ("echo=maybe", "echo takes true, false, not 'maybe'"),
    ("seed=x", "seed takes a whole number, not 'x'"),
    ("drain=3", "drain takes settings: seconds, not '3'"),
    ("ping.zzz=3", "ping.zzz: there is no such setting; ping has ping.interval_s, ping.timeout_s"),
    (
        "auth.jwt.scopes=trade,acount",
        "auth.jwt.scopes takes one or more of market, account, trade, admin, monitor, not 'trade,acount'; "
        "did you mean account?",
    ),
]


@pytest.mark.parametrize(("assignment", "said"), SAID)
def test_what_is_said(assignment: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        config.load(assignments=[assignment])
    assert str(refused.value) == f"--set: {said}"


def test_the_environment_is_answered_alike() -> None:
    with pytest.raises(
        SettingsError, match=r"^the environment: auth\.market takes auto, key, open, not 'x'$"
    ):
        config.load(environment={"FLOORWIRE_AUTH__MARKET": "x"})


@given(
    st.lists(st.text(st.characters(blacklist_characters="=`"), max_size=8), min_size=1, max_size=3), st.text()
)
def test_whatever_is_assigned_only_settings_errors_come(path: list[str], value: str) -> None:
    with suppress(SettingsError):
        config.load(assignments=[f"{'.'.join(path)}={value}"])


@given(
    st.sampled_from(["auth", "auth.jwt", "limits", "port", "venue", "doors.origins", "auth.jwt.scopes"]),
    st.text(),
)
def test_whatever_a_setting_is_given_only_settings_errors_come(name: str, value: str) -> None:
    assert name in _said(f"{name}={value}")


def _said(assignment: str) -> str:
    try:
        config.load(assignments=[assignment])
    except SettingsError as error:
        return str(error)
    return assignment


def test_the_command_says_it_and_ends_with_2() -> None:
    command = [sys.executable, "-m", "floorwire", "serve", "--set", "auth.market=keys"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert (
        ended.stderr == "floorwire: --set: auth.market takes auto, key, open, not 'keys'; did you mean key?\n"
    )
