"""Credentials of venues: from the environment or a private file, and named in no error."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.storage.venue_credentials import load, load_all

TEXT = "s3cret"


def private(folder: Path, text: str = TEXT, mode: int = 0o600) -> Path:
    path = folder / "venue.secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_from_the_environment() -> None:
    found = load("v", VenueSettings(key="k", secret_env="V_SECRET"), {"V_SECRET": f" {TEXT}\n"})
    assert found is not None
    assert (found.key, found.secret.reveal(), found.passphrase) == ("k", TEXT, None)


def test_a_secret_from_a_file_and_a_passphrase(tmp_path: Path) -> None:
    settings = VenueSettings(key="k", secret_file=str(private(tmp_path, TEXT + "\n")), passphrase_env="P")
    found = load("v", settings, {"P": "pass"})
    assert found is not None
    assert found.passphrase is not None
    assert (found.secret.reveal(), found.passphrase.reveal()) == (TEXT, "pass")


def test_a_venue_without_a_key_has_none() -> None:
    assert load("v", VenueSettings(), {}) is None
    assert load_all(Settings(venue=("sim", "v"), venues={"v": VenueSettings()}), {}) == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (VenueSettings(secret_env="V"), r"venues.v.key: is missing"),
        (VenueSettings(key="k"), r"venues.v: give secret_env or secret_file"),
        (VenueSettings(key="k", secret_env="V", secret_file="f"), r"give secret_env or secret_file, one"),
        (VenueSettings(key="k", secret_env="GONE"), r"venues.v.secret_env: the environment has no GONE"),
        (VenueSettings(key="k", secret_file="/nowhere/f"), r"venues.v.secret_file: /nowhere/f: there is no"),
        (VenueSettings(key="k", secret_env="V", passphrase_env="P"), r"venues.v.passphrase_env: .* no P"),
    ],
)
def test_what_is_missing_is_named(settings: VenueSettings, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        load("v", settings, {"V": TEXT})
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path, mode=mode)
    with pytest.raises(SettingsError, match=r"venues.v.secret_file: others may read") as refused:
        load("v", VenueSettings(key="k", secret_file=str(path)), {})
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\x00"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = private(tmp_path)
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"venues.v.secret_file: .*(is empty|is no text)"):
        load("v", VenueSettings(key="k", secret_file=str(path)), {})
