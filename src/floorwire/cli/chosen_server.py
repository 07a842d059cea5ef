"""The server that a command talks to: named on the command line, in the environment, or by a profile.

A key goes only to the server that it was given for. So an address that is given leaves the profiles out.
"""

from __future__ import annotations

import os
import ssl
from typing import Annotated, Final, TypeAlias

import msgspec
import typer

from floorwire.cli import credential, profiles
from floorwire.cli.address import PORT_VARIABLE, AddressError, local_url
from floorwire.cli.command_error import CommandError
from floorwire.cli.credential import CredentialError
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.profiles import Profile
from floorwire.core.os_errors import reason

Url: TypeAlias = Annotated[
    str,
    typer.Option(
        envvar="FLOORWIRE_URL",
        help="The running server.",
        show_default="the profile's, or http://127.0.0.1:8000, or FLOORWIRE_PORT's port",
    ),
]
KeyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="FLOORWIRE_KEY_FILE",
        help=f"File with a key; else FLOORWIRE_KEY, else the profile's, else {credential.DEFAULT_FILE}.",
    ),
]
Ca: TypeAlias = Annotated[
    str | None,
    typer.Option(envvar="FLOORWIRE_CA", help="PEM file with the certificate that the server's is signed by."),
]
ProfileName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        envvar="FLOORWIRE_PROFILE",
        help="A server that `floorwire login` keeps; else the one in use.",
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LOCAL_SERVER: Final = ""
"""No address was given: the command uses the profile, or the server on this machine."""


class ChosenServer(msgspec.Struct, frozen=True):
    """Where it is, and what is shown there."""

    url: str
    ca: str | None
    key_file: str | None
    profile: Profile | None
    """Where its address came from a profile."""

    @property
    def has_key(self) -> bool:
        """Whether a key was given: by an option, the environment or the profile."""
        of_profile = self.profile is not None and self.profile.key is not None
        return self.key_file is not None or credential.VARIABLE in os.environ or of_profile

    def key(self, scopes: str = "admin") -> str:
        """Return KEY.SECRET, or a token. Raises CommandError where there is none.

        ``scopes``: what a new key has to be for, as the message says.
        """
        is_given = self.key_file is not None or credential.VARIABLE in os.environ
        if not is_given and self.profile is not None:
            if self.profile.key is not None:
                return self.profile.key
            raise CommandError(
                f"the profile of {self.url} has no key: give one with --key-file, or log in again",
                ExitCode.NOT_ALLOWED,
            )
        try:
            return credential.find(self.key_file, os.environ, scopes)
        except CredentialError as error:
            raise CommandError(str(error), ExitCode.UNUSABLE) from None

    def key_or_none(self) -> str | None:
        """Return the key, or None where none was given and none is in the usual file. Raises CommandError."""
        if not self.has_key and not credential.default_file_exists():
            return None
        return None if self.profile is not None and not self.has_key else self.key()

    def with_key_file(self, error: CommandError, key: str | None) -> CommandError:
        """Return the error; where the server does not take a key that nobody named, with the file it is from.

        ``key``: what was sent; None: nothing was.
        """
        is_default = key is not None and self.profile is None and not self.has_key
        if not is_default or error.exit_code is not ExitCode.NOT_ALLOWED:
            return error
        return CommandError(
            f"{error}; the key is that of {credential.DEFAULT_FILE}, --key-file names another",
            error.exit_code,
        )

    def ca_path(self) -> str | None:
        """Return the path of the CA's file, with ``~`` resolved."""
        return None if self.ca is None else os.path.expanduser(self.ca)

    def tls(self) -> ssl.SSLContext:
        """Return how the server's certificate is checked. Raises CommandError."""
        try:
            return ssl.create_default_context(cafile=self.ca_path())
        except OSError as error:
            raise CommandError(f"--ca: {self.ca}: {reason(error)}", ExitCode.UNUSABLE) from None


def choose(
    url: str, key_file: str | None, ca: str | None, name: str | None, scheme: str = "http"
) -> ChosenServer:
    """Return the server. ``scheme``: of this machine's, where nothing names another. Raises CommandError."""
    if url and name:
        raise CommandError(
            f"--url and --profile {name}: give one of them; a profile has its own address", ExitCode.UNUSABLE
        )
    if url:
        return ChosenServer(url, ca, key_file, None)
    profile = _profile(name)
    if profile is not None:
        return ChosenServer(profile.url, ca or profile.ca, key_file, profile)
    try:
        return ChosenServer(local_url(scheme), ca, key_file, None)
    except AddressError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from None


def _profile(name: str | None) -> Profile | None:
    """Return the profile of that name, or the one in use. FLOORWIRE_PORT stands over the one in use."""
    if name is None and PORT_VARIABLE in os.environ:
        return None
    kept = profiles.load(os.environ)
    name = name or kept.in_use
    return None if name is None else kept.named(name)
