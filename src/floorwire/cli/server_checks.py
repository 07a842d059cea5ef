"""What ``floorwire doctor`` looks at of a server that would start here: its port, certificate and keys."""

from __future__ import annotations

import errno
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import msgspec

from floorwire.auth.client_address import is_loopback
from floorwire.auth.origin_policy import refuse_to_listen
from floorwire.cli.check_result import CheckResult, note, well, wrong
from floorwire.config import MASTER_KEY, Settings, SettingsError
from floorwire.core.os_errors import reason
from floorwire.storage import data_dir, master_key
from floorwire.storage.data_dir import DataDir, DataDirError
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import StoredKeys
from floorwire.web import tls_certificate

PORT: Final = "port"
TLS: Final = "TLS"
KEYS: Final = "keys"
ASKED_WITHIN_S: Final = 3.0
ENDS_SOON: Final = timedelta(days=14)
HEALTH_BYTES: Final = 1_024


class _Health(msgspec.Struct, frozen=True):
    status: str


def port(settings: Settings) -> CheckResult:
    """Check whether a server can listen there, or who does."""
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(1)  # bind alone is allowed beside another listener's time-out
        except PermissionError:
            todo = "choose a port above 1023 with --port, and let a proxy have this one"
            return wrong(PORT, f"{where}: this user may not listen there", todo)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return _who_listens(settings, where)
            return wrong(PORT, f"{where}: {reason(error)}", "give an address of this machine with --host")
    return well(PORT, f"{where} is free")


def _who_listens(settings: Settings, where: str) -> CheckResult:
    """Check whether what listens there is a Floorwire. Its own log says how it is."""
    if settings.tls.cert is not None:
        return note(
            PORT, f"{where} is taken, with TLS by whoever it is", "is it your server? `floorwire top` asks it"
        )
    connection = HTTPConnection(_reachable(settings.host), settings.port, timeout=ASKED_WITHIN_S)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        status = msgspec.json.decode(answer.read(HEALTH_BYTES), type=_Health).status
    except (OSError, HTTPException, msgspec.MsgspecError):
        return wrong(PORT, f"{where}: another program listens there", "choose another with --port")
    finally:
        connection.close()
    if status == "ok":
        return well(PORT, f"{where}: a Floorwire runs there, and is ready")
    return note(PORT, f"{where}: a Floorwire runs there: {status}", "its log says which venue is not live")


def _reachable(host: str) -> str:
    """Return an address to connect to: a server may listen on every address."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared


def tls(settings: Settings) -> CheckResult:
    """Check the certificate: that it can be used with its key, and how long."""
    given = "give a certificate and its key: --tls-cert, --tls-key; or --behind-proxy"
    try:
        certificate = tls_certificate.load(settings.tls)
    except SettingsError as error:
        return wrong(TLS, str(error).removeprefix("tls: "), "name files that fit: --tls-cert, --tls-key")
    if certificate is None or settings.tls.cert is None:
        if settings.doors.behind_proxy:
            return well(TLS, "done by the proxy in front")
        if is_loopback(settings.host):
            return well(TLS, "none is needed: only this machine can connect")
        return wrong(TLS, f"none, and other machines can reach {settings.host or 'every address'}", given)
    return how_long(_ends(Path(settings.tls.cert).expanduser()))


def how_long(ends: datetime) -> CheckResult:
    """Check how long the certificate is good."""
    left = ends - datetime.now(UTC)
    text = f"the certificate is good until {ends:%Y-%m-%d %H:%M} UTC"
    todo = "renew it; a running server reads it again by itself"
    if left <= timedelta():
        return wrong(TLS, f"the certificate ended at {ends:%Y-%m-%d %H:%M} UTC", todo)
    return note(TLS, text, todo) if left < ENDS_SOON else well(TLS, text)


def _ends(cert: Path) -> datetime:
    from cryptography import x509

    return x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc


def keys(settings: Settings) -> CheckResult:
    """Check the data folder's files and keys."""
    folder = Path(settings.data).expanduser()
    if not folder.exists():
        refusal = refuse_to_listen(settings.host, False, True, True)
        text = f"{folder}: there is no data folder yet; the first start makes it"
        return well(KEYS, text) if refusal is None else wrong(KEYS, text, _make_keys())
    try:
        data_dir.check_exists(folder)
        if MASTER_KEY not in os.environ and not (folder / master_key.FILE).exists():
            return wrong(
                KEYS,
                f"{folder}: the master key is missing, without which no key signs in",
                f"put its copy there as {master_key.FILE}, or into {MASTER_KEY}",
            )
        stored = DataDir(folder, os.environ).keys.read()
    except (DataDirError, DatabaseError) as error:
        return wrong(KEYS, str(error), "see `Files of others' mode` and `Backups` in docs/operations.md")
    return _stored_keys(stored, settings)


def _stored_keys(stored: StoredKeys, settings: Settings) -> CheckResult:
    """Check that the keys are as they were written, and whether any is good for long."""
    if stored.faults():
        return wrong(KEYS, "; ".join(stored.faults()), "see KeysTampered in docs/operations.md")
    now_us = time.time_ns() // 1_000
    live = [key for key in stored.keys if key.is_live(now_us)]
    text = f"{len(live)} of {len(stored.keys)} keys are live"
    refusal = refuse_to_listen(settings.host, bool(live), True, True)
    if refusal is not None:
        return wrong(KEYS, text, _make_keys())
    ending = [key.id for key in live if _ends_soon(key.grant.expires_us, now_us)]
    if ending:
        return note(
            KEYS, f"{text}; these end soon: {', '.join(ending)}", "make new ones: floorwire keys create"
        )
    return well(KEYS, text)


def _ends_soon(expires_us: int | None, now_us: int) -> bool:
    return expires_us is not None and expires_us - now_us < ENDS_SOON // timedelta(microseconds=1)


def _make_keys() -> str:
    return "make a key: floorwire keys create --account NAME --scopes market,account,trade"
