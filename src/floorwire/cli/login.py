"""``floorwire login``, ``logout`` and ``profiles``: servers by name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from floorwire.cli import credential, profiles
from floorwire.cli.address import SCHEMES, AddressError, check_private, split
from floorwire.cli.admin_client import AdminClient
from floorwire.cli.chosen_server import Ca, ChosenServer, Json
from floorwire.cli.command_error import CommandError, exit_on_error
from floorwire.cli.credential import CredentialError
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table
from floorwire.cli.profiles import Profile
from floorwire.core.printable import printable
from floorwire.storage.private_files import SECRET_BYTES

HTTP = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
"""The scheme that is kept, by the scheme that was given."""
SOCKET_PATH = "/ws"

Name = Annotated[str, typer.Argument(metavar="NAME", help="Your name for the server.")]


class ProfileRow(msgspec.Struct, frozen=True):
    """A profile without its secret."""

    name: str
    url: str
    key: str | None
    """The key's id; ``token`` where it is a token."""
    ca: str | None
    in_use: bool


class _ServerTime(msgspec.Struct, frozen=True):
    ts: int


def login(
    name: Name,
    url: Annotated[str, typer.Option(help="The server's address. Without it: use one that is kept.")] = "",
    key_file: Annotated[
        str | None,
        typer.Option(help="File with the key; else FLOORWIRE_KEY, else asked for, or read from a pipe."),
    ] = None,
    no_key: Annotated[bool, typer.Option("--no-key", help="Use this server without a key.")] = False,
    ca: Ca = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Keep it without asking the server whether the key is good.")
    ] = False,
    json: Json = False,
) -> None:
    """Keep a server's address, key and CA under a name; commands use it.

    The key is copied into a file that only you can read. Without --url, they use one that is kept.
    """
    with exit_on_error():
        profiles.check_name(name)
        kept = profiles.load(os.environ)
        if url:
            profile = Profile(_address(url), None if no_key else _key(key_file), _absolute(ca))
            _check_privacy(profile)
            if not no_check:
                _try(profile)
        else:
            _refuse_changes(name, key_file, ca, no_key=no_key)
            profile = kept.named(name)
        file = profiles.save(kept.with_profile(name, profile), os.environ)
        if json:
            echo(msgspec.json.encode(_row(name, profile, name)))
        else:
            echo(f"commands use {name}: {profile.url}; it is kept in {file}")


def logout(name: Name, json: Json = False) -> None:
    """Forget a server and its key. The key itself stays good: `floorwire keys revoke` ends it."""
    with exit_on_error():
        kept = profiles.load(os.environ)
        profile = kept.named(name)
        left = kept.without(name)
        profiles.save(left, os.environ)
        if json:
            echo(msgspec.json.encode(_row(name, profile, left.in_use)))
        else:
            echo(f"forgotten: {name}" + ("" if left.in_use else "; commands use the server on this machine"))


def profiles_(json: Json = False) -> None:
    """List the servers that login keeps; never a secret."""
    with exit_on_error():
        kept = profiles.load(os.environ)
    rows = [_row(name, profile, kept.in_use) for name, profile in kept.profiles.items()]
    if json:
        echo(msgspec.json.encode(rows))
    elif not rows:
        echo("no server is kept: floorwire login NAME --url URL")
    else:
        table = Table("name", "address", "key", "CA", "in use")
        for row in rows:
            table.add_row(row.name, row.url, row.key or "-", row.ca or "-", "yes" if row.in_use else "")
        print_table(table)


def _row(name: str, profile: Profile, in_use: str | None) -> ProfileRow:
    key_id, dot, rest = (profile.key or "").partition(".")
    shown = None if profile.key is None else "token" if not dot or "." in rest else key_id
    return ProfileRow(name, profile.url, shown, profile.ca, name == in_use)


def _refuse_changes(name: str, key_file: str | None, ca: str | None, *, no_key: bool) -> None:
    if key_file is not None or ca is not None or no_key:
        raise CommandError(f"to change {name}, give its address too: --url URL", ExitCode.UNUSABLE)


def _address(url: str) -> str:
    """Return the address that all commands can use: http or https, without the path of the WebSocket."""
    try:
        parts = split(url, SCHEMES)
    except AddressError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from None
    path = parts.path.rstrip("/").removesuffix(SOCKET_PATH)
    return parts._replace(scheme=HTTP[parts.scheme], path=path, query="", fragment="").geturl()


def _absolute(ca: str | None) -> str | None:
    """Return the path of the file from wherever the next command is run."""
    return None if ca is None else str(Path(ca).expanduser().absolute())


def _key(key_file: str | None) -> str:
    try:
        if key_file is not None or credential.VARIABLE in os.environ:
            return credential.find(key_file, os.environ)
        if sys.stdin.isatty():
            return credential.parsed(typer.prompt("KEY.SECRET", hide_input=True), "what was typed")
        return credential.parsed(sys.stdin.read(SECRET_BYTES), "standard input")
    except CredentialError as error:
        raise CommandError(f"{error}; or give --no-key", ExitCode.UNUSABLE) from None


def _check_privacy(profile: Profile) -> None:
    if profile.key is None:
        return
    try:
        check_private(split(profile.url, ("http", "https")))
    except AddressError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from None


def _try(profile: Profile) -> None:
    """Ask the server something with the key. Raises CommandError."""
    server = ChosenServer(profile.url, profile.ca, None, profile)
    client = AdminClient(server, profile.key, "look at `floorwire keys list` on the server's machine")
    try:
        client.request("GET", "/time", _ServerTime)
    except CommandError as error:
        raise CommandError(
            f"{printable(str(error), chr(10))}. Nothing was kept; --no-check keeps it", error.exit_code
        ) from None
