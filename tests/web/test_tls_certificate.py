from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorwire.config import SettingsError, TlsSettings
from floorwire.web.tls_certificate import load
from tests.web import certificates


def test_a_key_that_others_may_read_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    cert, key = certificates.write(tmp_path)
    settings = TlsSettings(cert=str(cert), key=str(key))
    assert load(settings) is not None
    for exposed in (0o644, 0o604, 0o660):
        key.chmod(exposed)
        with pytest.raises(
            SettingsError, match=r"^tls: others may read .* new secret.* chmod 600 .*key\.pem$"
        ):
            load(settings)


def test_a_new_key_that_others_may_read_is_not_taken_while_running(tmp_path: Path) -> None:
    cert, key = certificates.write(tmp_path)
    certificate = load(TlsSettings(cert=str(cert), key=str(key)))
    assert certificate is not None
    before = certificate.context
    certificates.write(tmp_path)
    key.chmod(0o644)
    os.utime(key, ns=(1, 1))
    certificate.refresh()
    assert certificate.context is before
    key.chmod(0o600)
    certificate.refresh()
    assert certificate.context is not before


def test_a_certificate_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    """To open a FIFO waits for whoever writes into it, and the end of the server would wait too."""
    cert, key = certificates.write(tmp_path)
    certificate = load(TlsSettings(cert=str(cert), key=str(key)))
    assert certificate is not None
    before = certificate.context
    cert.unlink()
    os.mkfifo(cert)
    certificate.refresh()
    assert certificate.context is before
    with pytest.raises(SettingsError, match="not a regular file"):
        load(TlsSettings(cert=str(cert), key=str(key)))
