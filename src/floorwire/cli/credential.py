"""The credential that a command sends to a server: from a file or the environment, never an argument.

Every user of the machine can see a command line, and the shell keeps it in its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from floorwire.auth.issued_key import Issued
from floorwire.core.os_errors import reason
from floorwire.storage.private_files import ExposedFileError, read_secret

VARIABLE = "FLOORWIRE_KEY"
DEFAULT_FILE = "~/.floorwire/operator.key"


class CredentialError(Exception):
    """There is no credential. The message says where it was looked for."""


def find(file: str | None, environment: Mapping[str, str], scopes: str = "admin") -> str:
    """Return KEY.SECRET, or a token: of the file, else of FLOORWIRE_KEY, else of ~/.floorwire/operator.key.

    ``scopes``: of the key that the message tells how to make. A file holds that alone, or what
    ``floorwire keys create --json`` prints. Raises CredentialError.
    """
    named = environment.get(VARIABLE)
    if file is None and named is not None:
        return parsed(named, VARIABLE)
    path = Path(file or DEFAULT_FILE).expanduser()
    try:
        return parsed(read_secret(path).decode(), str(path))
    except FileNotFoundError:
        raise CredentialError(_missing(path, scopes)) from None
    except ExposedFileError as error:
        raise CredentialError(f"{path}: {error}; and rotate the key") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"{path}: {reason(error)}") from None


def default_file_exists() -> bool:
    """Return whether there is a file with a key where commands look for one."""
    return Path(DEFAULT_FILE).expanduser().exists()


def parsed(text: str, source: str) -> str:
    """Return KEY.SECRET, or the token, that the text is. Raises CredentialError, which names the source."""
    text = text.strip()
    if text.startswith("{"):
        text = _issued(text.encode(), source)
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise CredentialError(f"{source}: has to hold KEY.SECRET, or what `keys create --json` prints")
    return text


def _issued(text: bytes, source: str) -> str:
    try:
        issued = msgspec.json.decode(text, type=Issued)
    except msgspec.MsgspecError as error:
        raise CredentialError(f"{source}: {error}") from None
    return f"{issued.key}.{issued.secret}"


def _missing(path: Path, scopes: str) -> str:
    account = "ops" if scopes == "admin" else "NAME"
    return (
        f"no key: {path} is not there, and {VARIABLE} is not set. On the server's machine make one:\n"
        f"  (umask 077; floorwire keys create --account {account} --scopes {scopes} --json > {path})"
    )
