"""docker-compose.yml and what it needs: valid, pinned, on loopback only, and everything that it mounts is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load
from simulator.stack.__main__ import main as stack_command

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UPSTREAM = ("prometheus", "alertmanager", "grafana")

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def mounts(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Each mount as source, target, and whether it is read-only."""
    found = []
    for volume in service.get("volumes", []):
        if isinstance(volume, str):
            source, target, *mode = volume.split(":")
            found.append((source, target, mode == ["ro"]))
        else:
            found.append((volume["source"], volume["target"], volume.get("read_only", False)))
    return found


def test_file_follows_the_specification() -> None:
    """The schema of the compose specification accepts the file."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_services_are_those_promised() -> None:
    """Four services always, and with the profile demo the simulator, its maker and its API."""
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    always: dict[str, list[str]] = {name: [] for name in ("exporter", *UPSTREAM)}
    assert profiles == {**always, "simulator": ["demo"], "maker": ["demo"], "app": ["demo"]}


@every_service
def test_image_is_pinned(service: dict[str, Any]) -> None:
    """Each image has an exact version, or is built here."""
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])


def test_base_image_is_pinned() -> None:
    """Every stage of the Dockerfile starts from the same version of Python."""
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.13-slim"}


def test_own_image_is_not_root() -> None:
    """The exporter's container runs as a numbered user that is not root, and Docker can see its health."""
    users = re.findall(r"^USER (\d+)", DOCKERFILE, re.MULTILINE)
    assert users
    assert "0" not in users
    assert re.search(r"^HEALTHCHECK .*\n.*9850/health", DOCKERFILE, re.MULTILINE)


@every_service
def test_ports_are_published_on_loopback_only(service: dict[str, Any]) -> None:
    """No port is open to other machines, and none shares the host's network."""
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "network_mode" not in service


@every_service
def test_restarts_unless_stopped(service: dict[str, Any]) -> None:
    """A container that dies, or a machine that restarts, brings it back."""
    assert service["restart"] == "unless-stopped"


@every_service
def test_health_is_checked(service: dict[str, Any]) -> None:
    """Whatever serves a port has a health check of its own; only maker and API serve nothing."""
    health = service["healthcheck"]
    assert bool(service.get("ports")) == ("test" in health)
    assert service.get("ports") or health["disable"]


@every_service
def test_mounts_exist_and_are_read_only(service: dict[str, Any]) -> None:
    """Each mounted path is in the repository and read-only; each named volume is declared."""
    for source, target, read_only in mounts(service):
        if source.startswith("./"):
            assert (ROOT / source).exists(), source
            assert read_only, f"{source} at {target}"
        elif not source.startswith("${"):
            assert source in COMPOSE["volumes"]


def test_demo_api_pushes_with_the_token_that_the_exporter_knows() -> None:
    """Both containers are given the same token, by the name that the demo's configuration reads."""
    demo = yaml.safe_load((ROOT / "exporter.demo.yml").read_text())
    [token] = demo["push"]["tokens"]
    known = SERVICES["exporter"]["environment"][token["token"]["env"]]
    assert SERVICES["app"]["environment"] == {"EXPORTER_TOKEN": known}


def test_demo_asks_the_services_for_what_its_pages_show() -> None:
    """Both pages are on, and whom the exporter asks for their figures are services, at the ports they listen on."""
    demo = yaml.safe_load((ROOT / "exporter.demo.yml").read_text())
    assert demo["pages"]["live"]
    assert demo["pages"]["public"]
    for name, server in demo["upstream"].items():
        port = server["url"].removeprefix(f"http://{name}:")
        assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert demo["links"][name] == f"http://127.0.0.1:{port}"


def test_data_is_kept() -> None:
    """Each of the upstream services has a volume, and Prometheus keeps 30 days."""
    for name in UPSTREAM:
        assert any(source == f"{name}-data" for source, _, _ in mounts(SERVICES[name]))
    assert "--storage.tsdb.retention.time=30d" in SERVICES["prometheus"]["command"]
    assert "--web.enable-lifecycle" in SERVICES["prometheus"]["command"]


def test_commands_use_the_volumes() -> None:
    """Prometheus and Alertmanager write to where their volumes are mounted."""
    for name, flag in (("prometheus", "--storage.tsdb.path="), ("alertmanager", "--storage.path=")):
        target = next(target for source, target, _ in mounts(SERVICES[name]) if source == f"{name}-data")
        assert f"{flag}{target}" in SERVICES[name]["command"]


def test_targets_name_services_and_their_ports() -> None:
    """Each committed target file has its twin for the network of containers, pointing at a service there."""
    here, there = (ROOT / "prometheus" / name for name in ("targets", "targets-compose"))
    assert {path.name for path in here.glob("*.yml")} == {path.name for path in there.glob("*.yml")}
    for path in there.glob("*.yml"):
        [group] = yaml.safe_load(path.read_text())
        [target] = group["targets"]
        host, port = target.split(":")
        service = SERVICES[path.stem]
        assert host in {path.stem, "127.0.0.1"}
        assert service["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_exporter_config_is_the_users_own_or_the_demos() -> None:
    """The exporter's configuration comes from exporter.yml unless another is named, and is never made up."""
    [config] = [volume for volume in SERVICES["exporter"]["volumes"] if isinstance(volume, dict)]
    assert config["source"] == "${EXPORTER_CONFIG:-./exporter.yml}"
    assert config["bind"]["create_host_path"] is False
    assert config["target"] in DOCKERFILE


def test_demo_config_is_up_to_date_and_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """exporter.demo.yml is what make generate writes, and the exporter accepts it with the service's keys."""
    for name, value in SERVICES["exporter"]["environment"].items():
        monkeypatch.setenv(name, value)
    assert stack_command(["exporter-config", "--check", str(ROOT / "exporter.demo.yml")]) == 0
    config = load(ROOT / "exporter.demo.yml")
    assert [exchange.name for exchange in config.exchanges] == ["alpha", "beta", "gamma"]
    assert config.web.trusted_network
    assert config.journal.path is not None
    kept = [volume.partition(":")[2] for volume in SERVICES["exporter"]["volumes"] if isinstance(volume, str)]
    assert kept  # the simulated accounts begin anew at each start, so what the journal knows of them must, too
    assert not any(Path(config.journal.path).is_relative_to(folder) for folder in kept)


def test_outdated_demo_config_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that differs from the code is named, and not touched."""
    file = tmp_path / "exporter.demo.yml"
    file.write_text("web: {}\n")
    assert stack_command(["exporter-config", "--check", str(file)]) == 1
    assert f"{file} is out of date; run make generate" in capsys.readouterr().err
    assert file.read_text() == "web: {}\n"


def test_nothing_private_reaches_the_image() -> None:
    """The build context leaves everything out and takes in only what the Dockerfile copies."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    admitted = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert admitted == {name for names in copied for name in names.split()}
    assert all((ROOT / name).exists() for name in admitted - {"README.md"})
