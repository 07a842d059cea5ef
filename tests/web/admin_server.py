"""An app on a data folder of its own, and keys to it, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from fastapi.testclient import TestClient
from httpx2 import Response

from floorwire.app import Gateway
from floorwire.auth.grant import Grant
from floorwire.config import Settings
from floorwire.core.authorization import Scope
from floorwire.web import create_app

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
HOME = "http://127.0.0.1:8000"
OWN_PAGE = {"origin": HOME}


class AdminServer:
    """One gateway behind its app."""

    def __init__(self, settings: Settings) -> None:
        self.gateway = Gateway(settings, venues=[])
        self.app = create_app(self.gateway)
        self.folder = Path(settings.data)

    def key(self, grant: Grant | None = None) -> dict[str, str]:
        """Make a key beside the running app; return the header that shows it."""
        issued = self.gateway.data_dir.keys.create(
            grant or Grant("root", tuple(Scope)), {}, self.gateway.clock.wall_us()
        )
        self.gateway.authenticator.keyring.replace(self.gateway.data_dir.keys.list_keys())
        return {"authorization": f"Bearer {issued.key}.{issued.secret}"}

    @contextmanager
    def client(self, peer: str = "127.0.0.1", base_url: str = HOME) -> Iterator[TestClient]:
        """Run the app, and be a client of it at this address."""
        with TestClient(self.app, base_url, raise_server_exceptions=False, client=(peer, 5_000)) as client:
            yield client

    def audit(self) -> list[dict[str, str | int]]:
        """Return the lines of the audit log."""
        self.gateway.authenticator.audit.flush()
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


def open_admin_server(folder: Path, **groups: object) -> AdminServer:
    """Open one with these settings."""
    return AdminServer(Settings(data=str(folder), **groups))  # type: ignore[arg-type]


def body(response: Response) -> dict[str, str]:
    """Return the answer, which is JSON."""
    fields: dict[str, str] = response.json()
    return fields
