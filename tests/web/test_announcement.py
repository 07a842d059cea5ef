"""What a server says when it is open, for people and for programs."""

from __future__ import annotations

import json

import pytest

from floorwire.web.announcement import announcement, as_json, as_text

AT_HOME = announcement("127.0.0.1", 8000, is_secure=False, data="/data", demo_account="demo")
OUTSIDE = announcement("::1", 443, is_secure=True, data="/data", demo_account=None)


def test_addresses_are_those_of_what_listens() -> None:
    assert json.loads(as_json(AT_HOME)) == {
        "page": "http://127.0.0.1:8000/",
        "websocket": "ws://127.0.0.1:8000/ws",
        "api": "http://127.0.0.1:8000/docs",
        "data": "/data",
        "demo_account": "demo",
    }
    assert json.loads(as_json(OUTSIDE)) == {
        "page": "https://[::1]:443/",
        "websocket": "wss://[::1]:443/ws",
        "api": "https://[::1]:443/docs",
        "data": "/data",
    }


def test_a_person_is_told_what_to_type_next() -> None:
    text = as_text(AT_HOME, "floorwire")
    assert "floorwire watch --url ws://127.0.0.1:8000/ws\n" in text
    assert "signs in as demo, with play money" in text
    assert "--data /data\n" in text
    assert "  .venv/bin/floorwire watch " in as_text(AT_HOME, ".venv/bin/floorwire")
    assert "no keys" not in as_text(OUTSIDE, "floorwire")


@pytest.mark.parametrize("program", ["dice.py", "/a/src/floorwire/__main__.py", "-c"])
def test_a_program_of_theirs_is_not_named_as_the_command(program: str) -> None:
    text = as_text(AT_HOME, program)
    assert program not in text
    assert "  floorwire watch --url ws" in text
    assert "  floorwire keys create " in text


def test_with_live_orders_there_is_no_play_money() -> None:
    live = announcement("::1", 1, is_secure=False, data="/d", demo_account="demo", is_live=True)
    text = as_text(live, "floorwire")
    assert "the page signs in as demo. To make a key:\n" in text
    assert "--scopes market,account,trade --data /d\n" in text
    assert "deposit" not in text
