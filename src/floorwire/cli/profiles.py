"""Servers that ``floorwire login`` keeps: address, key and CA under a name, in one private file.

The file is ``floorwire/profiles.json`` in the user's folder for settings (XDG_CONFIG_HOME, else ~/.config).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from floorwire.cli.command_error import CommandError
from floorwire.cli.exit_codes import ExitCode
from floorwire.core.os_errors import sentence
from floorwire.core.venue_names import VENUE_ID
from floorwire.storage.private_files import FILE_MODE, private_folder, read_secret

FOLDER: Final = "floorwire"
FILE: Final = "profiles.json"


class Profile(msgspec.Struct, frozen=True):
    """One server."""

    url: str
    """http:// or https://, without a path at its end."""
    key: str | None = None
    """KEY.SECRET, or a token; None: it is used without a key."""
    ca: str | None = None
    """The path of the PEM file that the server's certificate is signed by."""


class Profiles(msgspec.Struct, frozen=True):
    """All of them."""

    in_use: str | None = None
    """The one that commands use where no other is named."""
    profiles: dict[str, Profile] = {}

    def named(self, name: str) -> Profile:
        """Return the profile. Raises CommandError where there is none of that name."""
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise CommandError(
                f"there is no profile {name!r}; there are: {known}. "
                f"`floorwire login NAME --url URL` makes one",
                ExitCode.UNUSABLE,
            )
        return self.profiles[name]

    def with_profile(self, name: str, profile: Profile) -> Profiles:
        """Return these with the profile, which is in use from then on."""
        return Profiles(name, {**self.profiles, name: profile})

    def without(self, name: str) -> Profiles:
        """Return these without the profile."""
        left = {other: profile for other, profile in self.profiles.items() if other != name}
        return Profiles(None if self.in_use == name else self.in_use, left)


def check_name(name: str) -> None:
    """Raise CommandError where this cannot be a name."""
    if not VENUE_ID.fullmatch(name):
        raise CommandError(
            f"{name!r} is no name of a profile: 1 to 32 of a-z 0-9 _ -, and none of _ - at its start",
            ExitCode.UNUSABLE,
        )


def path(environment: Mapping[str, str]) -> Path:
    """Return where the file is, or would be."""
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / FOLDER / FILE


def load(environment: Mapping[str, str]) -> Profiles:
    """Return the profiles that are kept. Raises CommandError where the file cannot be used."""
    file = path(environment)
    try:
        return msgspec.json.decode(read_secret(file), type=Profiles)
    except (FileNotFoundError, NotADirectoryError):
        return Profiles()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or sentence(error)}", ExitCode.UNUSABLE) from None
    except msgspec.MsgspecError as error:
        raise CommandError(
            f"{file}: is not as floorwire login writes it: {error}. Remove it, and log in again",
            ExitCode.UNUSABLE,
        ) from None


def save(profiles: Profiles, environment: Mapping[str, str]) -> Path:
    """Write the file anew, and return where it is. Raises CommandError."""
    file = path(environment)
    beside = file.with_name(f"{FILE}.{secrets.token_hex(4)}")
    try:
        private_folder(file.parent)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(handle, "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(profiles)) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandError(sentence(error), ExitCode.UNUSABLE) from None
    return file
