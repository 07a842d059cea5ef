"""The server's TLS certificate. It is read again when its files change, without a restart."""

from __future__ import annotations

import asyncio
import ssl
import stat
from pathlib import Path
from typing import TypeAlias

import structlog

from floorwire.config import SettingsError, TlsSettings
from floorwire.core.os_errors import reason
from floorwire.storage.private_files import ExposedFileError, check_tls_key

LOOK_S = 1.0
FileStamps: TypeAlias = tuple[tuple[int, int, int], ...]

log = structlog.get_logger("floorwire.certificate")


class TlsCertificate:
    """Holds the TLS ``context`` for new connections. Open connections keep theirs."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        try:
            self._seen = self._look()
            self.context = self._load()
        except ExposedFileError as error:
            raise SettingsError(f"tls: {error}") from None
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"tls: {cert}, {key}: {reason(error)}") from None

    async def watch(self) -> None:
        """Look at the files once a second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Load the files if they changed. If they cannot be used, keep the present certificate."""
        try:
            seen = self._look()
            if seen != self._seen:
                self.context = self._load()
                self._seen = seen
                log.info("certificate read again")
        except (OSError, ssl.SSLError) as error:
            log.warning("certificate not read; the earlier one stays", error=str(error))

    def _look(self) -> FileStamps:
        found = [path.stat() for path in (self._cert, self._key)]
        if not all(stat.S_ISREG(file.st_mode) for file in found):  # To read a FIFO may last for ever.
            raise OSError("not a regular file")
        return tuple((file.st_mtime_ns, file.st_ino, file.st_mode) for file in found)

    def _load(self) -> ssl.SSLContext:
        check_tls_key(self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._cert, self._key)
        return context


def load(tls: TlsSettings) -> TlsCertificate | None:
    """Return the certificate that the settings name, or None. Raises SettingsError."""
    if tls.cert is None and tls.key is None:
        return None
    if tls.cert is None or tls.key is None:
        raise SettingsError("tls: give both the certificate and its key")
    return TlsCertificate(Path(tls.cert).expanduser(), Path(tls.key).expanduser())
