"""compose.yaml: what it mounts exists, what it sets are settings, and its key reads the metrics."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from floorwire import config
from tests.deploy.debian_programs import DEPLOY, ROOT
from tests.deploy.dockerfile_steps import stages
from tests.trading.trader import serving

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
FINAL = stages((ROOT / "Dockerfile").read_text())[-1]


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_mounts_exists_or_is_a_volume(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        source, target, *options = mount.split(":")
        if source.startswith("."):
            assert (DEPLOY / source).is_dir()
            assert options == ["ro"]
        else:
            assert source in COMPOSE["volumes"]
        assert target.startswith("/")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_and_is_reached_from_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    if service["image"] == "floorwire":
        assert service["read_only"] is True
        assert (DEPLOY / service["build"] / "Dockerfile").exists()
    else:
        assert not service["image"].endswith(("latest", "main"))
        assert ":" in service["image"]


def test_services_depend_on_each_other_by_names_that_exist() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    ((target,),) = (one["targets"] for one in prometheus["scrape_configs"][0]["static_configs"])
    assert target == f"floorwire:{FINAL.last('EXPOSE')}"
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"


def test_where_things_are_mounted_is_where_they_are_looked_for() -> None:
    mounted = [mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"]]
    (provider,) = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/floorwire.yml").read_text())[
        "providers"
    ]
    assert ["./grafana/dashboards", provider["options"]["path"]] in mounted
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana" / "dashboards" / Path(home).name).exists()


def test_the_servers_environment_is_of_settings() -> None:
    made = config.load(environment={**FINAL.variables(), **SERVICES["floorwire"]["environment"]})
    assert made.doors.behind_proxy
    assert made.auth.market == "open"
    published = SERVICES["floorwire"]["ports"][0].split(":")[1]
    assert f"http://localhost:{published}" in made.doors.origins


def test_the_key_that_is_made_at_the_first_start_reads_the_metrics(tmp_path: Path) -> None:
    service = SERVICES["keys"]
    *shell, option = service["entrypoint"]
    (script,) = service["command"]
    command = script.replace("$$", "$").replace("/keys/", f"{tmp_path}/")
    scripts = tmp_path / "bin"
    scripts.mkdir()
    made = scripts / "floorwire"
    made.write_text(f'#!/bin/sh\nexec {sys.executable} -m floorwire "$@"\n')
    made.chmod(0o755)
    data = tmp_path / "data"
    environment = {
        **os.environ,
        **service["environment"],
        "FLOORWIRE_DATA": str(data),
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }
    for _ in range(2):
        subprocess.run([*shell, option, command], env=environment, check=True, cwd=ROOT)
    secret = (tmp_path / "prometheus.key").read_text().strip()
    with serving(data, "--behind-proxy", "--host", "0.0.0.0", "--set=auth.market=open") as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(url, timeout=20)
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {secret}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert b"floorwire_connections 0.0" in answer.read()
    assert len(list(config.load(environment=environment).doors.origins)) == 2
