"""The credentials of accounts at venues: from the environment, or from files of their owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.os_errors import sentence
from floorwire.storage.private_files import ExposedFileError, read_secret


def load_all(settings: Settings, environment: Mapping[str, str]) -> dict[str, VenueCredentials]:
    """Return the credentials of the venues that run, by id. Raises SettingsError."""
    running = ((venue, settings.venues[venue]) for venue in settings.venue if venue in settings.venues)
    found = {venue: load(venue, configured, environment) for venue, configured in running}
    return {venue: credentials for venue, credentials in found.items() if credentials is not None}


def load(venue: str, settings: VenueSettings, environment: Mapping[str, str]) -> VenueCredentials | None:
    """Return the credentials of a venue; None where its settings name no key.

    Raises SettingsError, which names where a secret was looked for and never what was found.
    """
    if settings.key is None:
        named = (settings.secret_env, settings.secret_file, settings.passphrase_env)
        if any(one is not None for one in named):
            raise SettingsError(f"venues.{venue}.key: is missing; the secret belongs to a key")
        return None
    if (settings.secret_env is None) is (settings.secret_file is None):
        raise SettingsError(f"venues.{venue}: give secret_env or secret_file, one of them, with the key")
    if settings.secret_env is not None:
        secret = _variable(venue, "secret_env", settings.secret_env, environment)
    else:
        secret = _file(venue, settings.secret_file or "")
    passphrase = None
    if settings.passphrase_env is not None:
        passphrase = _variable(venue, "passphrase_env", settings.passphrase_env, environment)
    return VenueCredentials(settings.key, secret, passphrase)


def _variable(venue: str, field: str, name: str, environment: Mapping[str, str]) -> Secret:
    text = environment.get(name, "").strip()
    if not text:
        raise SettingsError(f"venues.{venue}.{field}: the environment has no {name}, or it is empty")
    return Secret(text)


def _file(venue: str, path: str) -> Secret:
    where = f"venues.{venue}.secret_file"
    try:
        text = read_secret(Path(path).expanduser()).decode().strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{where}: {path} is no text") from None
    except (OSError, ExposedFileError) as error:
        raise SettingsError(f"{where}: {sentence(error)}") from None
    if not text:
        raise SettingsError(f"{where}: {path} is empty")
    return Secret(text)
