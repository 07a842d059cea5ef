"""Lists and secrets in the settings."""

from __future__ import annotations

import msgspec
import pytest

from floorwire import config
from floorwire.config import SettingsError
from floorwire.core.authorization import Scope


def test_a_list_is_written_with_commas_in_the_environment_and_on_the_command_line() -> None:
    settings = config.load(
        environment={"FLOORWIRE_DOORS__ORIGINS": "https://a.example, https://b.example"},
        assignments=["auth.jwt.scopes=market,trade", "doors.trusted_proxies="],
    )
    assert settings.doors.origins == ("https://a.example", "https://b.example")
    assert settings.auth.jwt.scopes == (Scope.MARKET, Scope.TRADE)
    assert settings.doors.trusted_proxies == ()


def test_a_venue_keeps_its_commas() -> None:
    assert config.load(environment={"FLOORWIRE_VENUE": "replay:f,adapter=okx"}).venue == (
        "replay:f,adapter=okx",
    )


def test_a_scope_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="scopes"):
        config.load(assignments=["auth.jwt.scopes=market,everything"])


def test_the_master_key_is_no_setting_and_is_not_shown() -> None:
    settings = config.load(environment={"FLOORWIRE_MASTER_KEY": "ab" * 32})
    assert settings == config.load()
    assert "abab" not in repr(settings) + msgspec.json.encode(settings).decode()


def test_what_commands_are_told_of_a_running_server_is_no_setting_of_one() -> None:
    environment = {"FLOORWIRE_URL": "https://desk.example", "FLOORWIRE_KEY": "fw1.secret"}
    assert config.load(environment=environment) == config.load()
