"""Every answer is one that the OpenAPI has: schemathesis asks for all that the document allows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from tests.servers import scripted

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
READ_ONLY = Grant("alice", (Scope.MARKET, Scope.ACCOUNT, Scope.MONITOR))
"""Who may read, but change nothing: then each request meets the same server."""


@pytest.mark.slow
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_no_answer_is_outside_its_schema(tmp_path: Path, is_signed_in: bool) -> None:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("schemathesis is not installed: `make test-slow` does it")
    issued = DataDir(tmp_path, {}).keys.create(READ_ONLY, {}, 0)
    limits = ("limits.commands_per_second=1000000", "limits.commands_per_second_per_key=1000000")
    with scripted(f"data={tmp_path}", *limits, per_second=20) as server:
        header = ["-H", f"Authorization: Bearer {issued.key}.{issued.secret}"] if is_signed_in else []
        asked = [command, "run", server.http("/openapi.json"), "--checks", ",".join(CHECKS), *header]
        asked += ["--max-examples", "20", "--phases", "coverage,fuzzing", "--seed", "1", "--no-color"]
        run = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-6_000:]
