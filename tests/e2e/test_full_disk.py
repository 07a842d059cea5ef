"""A disk that is full: the audit log tells of every sign-in, or of how many it lacks. Keys can be halted."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

from floorwire.core.codes import CloseCode
from tests.clients import RawClient
from tests.e2e.sign_in_servers import closed, keyed_server
from tests.servers import eventually
from tests.trading.trader import caller, funded, key, serving, trader

SIGN_INS = 120
LARGE = 1_000_000
FULL = 300_000
"""No file may grow beyond this. The log of the keys is longer then, that of the journal is not."""


def whole_lines(path: Path) -> list[dict[str, int]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the line that was cut off stands alone
    return found


def test_no_sign_in_is_lost_without_being_counted(tmp_path: Path) -> None:
    issued = key(tmp_path)
    audit = tmp_path / "audit.jsonl"
    audit.write_text(json.dumps({"ts": 1, "event": "filler", "reason": "x" * LARGE}) + "\n")
    audit.chmod(0o600)
    with serving(tmp_path) as server:
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (LARGE + 5_000, limits[1]))
        for _ in range(SIGN_INS):
            with RawClient(server) as peer:
                assert peer.handshake(Authorization=f"Bearer {issued.key}.{issued.secret}")[0] == 101
        assert eventually(lambda: "audit log not written" in server.log)
        assert eventually(lambda: len(whole_lines(audit)) > 20)
        server.signal(signal.SIGKILL)
        server.wait()
    with serving(tmp_path) as server:
        with RawClient(server) as peer:
            assert peer.handshake(Authorization=f"Bearer {issued.key}.{issued.secret}")[0] == 101
        assert eventually(lambda: "left_out" in whole_lines(audit)[-1])
    _, *said = whole_lines(audit)
    assert len(said) < SIGN_INS
    assert len(said) + sum(line.get("left_out", 0) for line in said) == SIGN_INS + 1


async def test_where_keys_cannot_be_stored_a_halt_stops_a_key_and_the_answer_says_so(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--seed", "1") as made:
        leaked = key(tmp_path)
        while (tmp_path / "keys.db-wal").stat().st_size < FULL:
            await made.key()
        before = resource.prlimit(made.server.process.pid, resource.RLIMIT_FSIZE)
        async with trader(made.server, leaked) as client:
            await funded(client)
            assert (await client.place("before"))["status"] == "accepted"
            resource.prlimit(made.server.process.pid, resource.RLIMIT_FSIZE, (FULL, before[1]))
            with caller(made.server, made.root) as operator:
                refused = operator.delete(f"/keys/{leaked.key}")
                assert (refused.status_code, refused.json()["code"]) == (500, "internal")
                assert "nothing was changed" in refused.json()["message"]
                assert "POST /api/v1/halts" in refused.json()["message"]
                halted = operator.post("/halts", json={"scope": "key", "name": leaked.key})
                assert (halted.status_code, halted.json()["cancelled"]) == (200, 1)
                assert (await client.place("after"))["code"] == "market_halted"
                resource.prlimit(made.server.process.pid, resource.RLIMIT_FSIZE, before)
                assert operator.delete(f"/keys/{leaked.key}").status_code == 200
            assert await closed(client.socket) == CloseCode.KEY_REVOKED
