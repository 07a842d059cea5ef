"""The Dockerfile, which ``make check`` lints: its steps run as plain commands."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packages import smoke

from floorwire import config
from tests.deploy.debian_programs import ROOT
from tests.deploy.dockerfile_steps import base, build, can_run, overlay, stages, words
from tests.servers import running
from tests.trading.trader import serving

TEXT = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text()
BUILD, FINAL = stages(TEXT)


def test_it_is_built_in_stages_and_runs_as_a_user_of_its_own() -> None:
    assert BUILD.name == "build"
    assert BUILD.base == FINAL.base == "python:3.13-slim"
    assert FINAL.last("USER").isdigit()
    assert int(FINAL.last("USER")) > 0
    assert "apt-get" not in " ".join(FINAL.all("RUN")), "the compiler stays in the first stage"


def test_what_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    kept = [line.removeprefix("!") for line in IGNORED.splitlines() if line.startswith("!")]
    copied = [name for text in BUILD.all("COPY") for name in text.split()[:-1]]
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / name).exists() for name in copied)
    dropped = [line for line in IGNORED.splitlines() if line.startswith("**/")]
    assert not [name for name in copied if any(fnmatch.fnmatch(f"x/{name}", line[1:]) for line in dropped)]


def test_its_variables_are_settings_of_ours() -> None:
    variables = {name: value for name, value in FINAL.variables().items() if name.startswith("FLOORWIRE_")}
    made = config.load(environment=variables)
    assert (made.host, str(made.port), made.data) == ("0.0.0.0", FINAL.last("EXPOSE"), FINAL.last("VOLUME"))


def test_its_health_check_sees_whether_a_server_answers(tmp_path: Path) -> None:
    python, *arguments = words(FINAL.last("HEALTHCHECK"))
    assert python == "python"
    check = [sys.executable, *arguments]
    with serving(tmp_path) as server:
        port = str(server.port)
        assert subprocess.run(check, env={**os.environ, "FLOORWIRE_PORT": port}, check=False).returncode == 0
    gone = subprocess.run(check, env={**os.environ, "FLOORWIRE_PORT": port}, check=False, capture_output=True)
    assert gone.returncode != 0


@pytest.mark.slow
def test_its_steps_make_a_server_that_works(tmp_path: Path) -> None:
    """Without the compilation, which takes three minutes of CPU time and has a test of its own."""
    if not can_run():
        pytest.skip("no overlay can be made here: that needs root, and Linux")
    for name in ("build", "final"):
        (tmp_path / name).mkdir()
    with overlay(tmp_path / "build") as build_path, overlay(tmp_path / "final") as final_path:
        built, final = base(build_path), base(final_path)
        built.environment["PURE_PYTHON"] = "1"
        build(BUILD, built, ROOT, {})
        build(FINAL, final, ROOT, {"build": built})
        assert final.run("id", "-u").strip() == FINAL.last("USER")
        assert final.run("floorwire", "--version").startswith("floorwire ")
        serve = [*words(FINAL.last("ENTRYPOINT")), *words(FINAL.last("CMD"))]
        refused = subprocess.run(final.command(serve), capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "there are no keys" in refused.stderr
        issued = final.run(
            "floorwire",
            "keys",
            "create",
            "--account",
            "alice",
            "--scopes",
            "market,account,trade",
            "--deposit",
            "USDT=1000000",
        )
        found = re.findall(r"^(?:key|secret) +(\S+)$", issued, re.MULTILINE)
        # From here on it may write where it is meant to: in /data and /tmp.
        data = final_path / "data"
        subprocess.run(["mount", "--bind", str(data), str(data)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(final_path)], check=True)
        with pytest.raises(AssertionError, match="Read-only file system"):
            final.run("sh", "-c", "echo > /opt/floorwire/file")
        final.environment |= {
            "FLOORWIRE_PORT": "0",
            "FLOORWIRE_HOST": "0.0.0.0",
            "FLOORWIRE_DOORS__BEHIND_PROXY": "true",
        }
        with running(final.command(serve)) as server:
            url = f"http://127.0.0.1:{server.port}"
            final.environment["FLOORWIRE_PORT"] = str(server.port)
            final.run(*words(FINAL.last("HEALTHCHECK")))
            smoke.page(url)
            smoke.order(url, ".".join(found))
