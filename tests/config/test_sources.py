"""Settings: their sources, which goes over which, and that nothing is mistyped unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorwire import config
from floorwire.config import Settings, SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to write settings into."""
    return tmp_path / "floorwire.toml"


# --- sources ----------------------------------------------------------------------------------------


def test_without_any_source_there_are_defaults() -> None:
    assert config.load() == Settings()
    assert Settings().host == "127.0.0.1"


def test_a_file(file: Path) -> None:
    file.write_text(
        'port = 9000\nvenue = ["sim"]\necho = true\n[limits]\nconnections = 5\n[ping]\ninterval_s = 1\n'
    )
    settings = config.load(file)
    assert (settings.port, settings.venue, settings.echo) == (9000, ("sim",), True)
    assert (settings.limits.connections, settings.ping.interval_s) == (5, 1.0)
    assert settings.limits.subscriptions == Settings().limits.subscriptions


def test_the_environment() -> None:
    environment = {
        "FLOORWIRE_PORT": "9000",
        "FLOORWIRE_LIMITS__CONNECTIONS": "5",
        "FLOORWIRE_ECHO": "true",
        "FLOORWIRE_VENUE": "replay:file,adapter=kraken",
        "FLOORWIRE_SEED": "7",
        "PATH": "/bin",
    }
    settings = config.load(environment=environment)
    assert (settings.port, settings.limits.connections, settings.echo) == (9000, 5, True)
    assert (settings.venue, settings.seed) == (("replay:file,adapter=kraken",), 7)


def test_assignments() -> None:
    settings = config.load(
        assignments=["limits.connections=5", " host = ::1", "seed=null", "log_level=debug"]
    )
    assert (settings.limits.connections, settings.host.strip(), settings.seed) == (5, "::1", None)
    assert settings.log_level == "debug"


def test_flags_that_were_not_given_change_nothing() -> None:
    flags: dict[str, config.Node | None] = {
        "port": 1,
        "host": None,
        "venue": ["sim", "replay:f"],
        "replay": {},
    }
    assert config.load(flags=flags) == Settings(port=1, venue=("sim", "replay:f"))


def test_the_later_source_wins(file: Path) -> None:
    file.write_text("port = 1\nseed = 1\nhost = 'a'\n[limits]\nconnections = 1\nsubscriptions = 1\n")
    settings = config.load(
        file,
        {"FLOORWIRE_PORT": "2", "FLOORWIRE_SEED": "2", "FLOORWIRE_LIMITS__CONNECTIONS": "2"},
        ["port=3", "seed=3"],
        {"port": 4},
    )
    assert (settings.port, settings.seed, settings.host) == (4, 3, "a")
    assert (settings.limits.connections, settings.limits.subscriptions) == (2, 1)


# --- mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot = 1", "prot"),
        ("[limits]\nconections = 5", "conections"),
        ("port = 70000", r": port"),
        ("port = 'many'", r": port"),
        ("[limits]\nconnections = 0", r"limits.connections takes a whole number of at least 1"),
        ("limits = 5", r": limits"),
        ("venue = []", r": venue"),
        ("log_level = 'loud'", r": log_level"),
        ("[risk]\nprice_collar = 1.0", r": risk\.price_collar"),
        ("[risk]\nprice_collar = 0.9999999", r": risk\.price_collar"),
        ("port = ", "Invalid value"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_named(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError, match=problem) as refused:
        config.load(file)
    assert str(refused.value).startswith(str(file))


def test_a_mistake_is_one_even_where_a_later_source_would_mend_it(file: Path) -> None:
    file.write_text("port = 70000")
    with pytest.raises(SettingsError, match=str(file)):
        config.load(file, assignments=["port=1"])


def test_a_file_that_cannot_be_read_is_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match=str(file)):
        config.load(file)
    file.write_bytes(b"host = '\xff'")
    with pytest.raises(SettingsError, match=str(file)):
        config.load(file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FLOORWIRE_PROT", "1"),
        ("FLOORWIRE_LIMITS__CONECTIONS", "1"),
        ("FLOORWIRE_LIMITS", "1"),
        ("FLOORWIRE_PORT", "many"),
        ("FLOORWIRE_PORT__HTTP", "1"),
        ("FLOORWIRE_", "1"),
    ],
)
def test_the_environment_with_a_mistake_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match="the environment"):
        config.load(environment={name: text})


@pytest.mark.parametrize(
    "assignment",
    ["port", "prot=1", "limits.conections=1", "limits=1", "port.http=1", "=1", "port=", "port=1.5"],
)
def test_an_assignment_with_a_mistake_is_refused(assignment: str) -> None:
    with pytest.raises(SettingsError, match="--set"):
        config.load(assignments=[assignment])


def test_what_is_no_group_has_nothing_in_it() -> None:
    with pytest.raises(SettingsError, match="port is not a group"):
        config.load(assignments=["port=1", "port.http=1"])


def test_a_flag_with_a_mistake_is_refused() -> None:
    with pytest.raises(SettingsError, match="the command line"):
        config.load(flags={"port": -1})


# --- files of others ----------------------------------------------------------------------------------


def test_a_file_that_is_nested_too_deeply_is_refused(file: Path) -> None:
    file.write_text("venue = " + "[" * 100_000)
    with pytest.raises(SettingsError, match="nested too deeply"):
        config.load(file)


def test_a_huge_file_is_not_read(file: Path) -> None:
    file.touch()
    os.truncate(file, 1 << 40)
    with pytest.raises(SettingsError, match="has more than 1048576 bytes"):
        config.load(file)
