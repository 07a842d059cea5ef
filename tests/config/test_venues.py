"""Settings of venue instances: from a file, the environment and ``--set``."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire import config
from floorwire.config import SettingsError, VenueSettings


def test_each_key_can_be_set_in_each_way(tmp_path: Path) -> None:
    file = tmp_path / "floorwire.toml"
    file.write_text(
        'venue = ["sim", "test-net"]\n'
        '[venues.test-net]\nkind = "binance"\nsymbols = ["BTC-USDT"]\norders = "live"\nmaker_fee = 0.001\n'
    )
    environment = {"FLOORWIRE_VENUES__ALPHA__KIND": "kraken", "FLOORWIRE_VENUES__ALPHA__SYMBOLS": "A-B, C-D"}
    assignments = [
        "venues.test-net.ws_url=ws://127.0.0.1:9443",
        "venues.test-net.rest_url=http://127.0.0.1:9080",
        "venues.test-net.symbols=ETH-USDT,BTC-USDT",
        "venues.alpha.key=k",
        "venues.alpha.secret_env=ALPHA_SECRET",
    ]
    settings = config.load(file, environment, assignments)
    assert settings.venue == ("sim", "test-net")
    assert settings.venues == {
        "test-net": VenueSettings(
            kind="binance",
            ws_url="ws://127.0.0.1:9443",
            rest_url="http://127.0.0.1:9080",
            symbols=("ETH-USDT", "BTC-USDT"),
            orders="live",
            maker_fee=0.001,
        ),
        "alpha": VenueSettings(kind="kraken", symbols=("A-B", "C-D"), key="k", secret_env="ALPHA_SECRET"),
    }
    assert config.load().venues == {}


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("venues.a.orders=real", r"--set: venues.a.orders takes live, paper, not 'real'"),
        ("venues.a.ws_ur=x", r"--set: venues.a.ws_ur: there is no such setting; did you mean ws_url"),
        ("venues.a.maker_fee=2", r"--set: venues.a.maker_fee takes a number"),
        ("venues.A.kind=sim", r"--set: venues.A: the id of a venue has 1 to 32"),
        ("venues.a=sim", r"--set: venues.a is a group"),
        ("venues=sim", r"--set: venues is a group"),
        ("venue.a.kind=sim", r"--set: venue"),
    ],
)
def test_what_does_not_fit_is_named_with_its_venue(assignment: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        config.load(assignments=[assignment])


def test_several_venues_in_the_environment() -> None:
    settings = config.load(environment={"FLOORWIRE_VENUE": "sim; replay:a b,adapter=binance,id=old ;"})
    assert settings.venue == ("sim", "replay:a b,adapter=binance,id=old")
    with pytest.raises(SettingsError, match="venue"):
        config.load(environment={"FLOORWIRE_VENUE": " ; "})


def test_a_secret_itself_is_no_setting() -> None:
    with pytest.raises(SettingsError, match=r"venues.a.secret: there is no such setting"):
        config.load(assignments=["venues.a.secret=s3cret"])
    text = config.describe()
    assert "| `venues.ID.secret_env` | `null` |" in text
    assert '`venues.ID.orders` | `"paper"`' in text
