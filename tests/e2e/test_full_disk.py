"""A disk that is full: the audit log tells of every sign-in, or of how many it lacks."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

from tests.clients import RawClient
from tests.servers import eventually
from tests.trading.trader import key, serving

SIGN_INS = 120
LARGE = 1_000_000


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
