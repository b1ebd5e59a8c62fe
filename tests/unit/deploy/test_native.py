"""What a service becomes without a container."""

from itertools import count
from pathlib import Path

import pytest

from deploy.topology.compose_file import Service, read_services
from deploy.topology.native import NativeService, Places, UnknownAddress, native, native_ports
from deploy.topology.running import COMPOSE_FILE, named_volumes, starting_waves

PROGRAMS = {"python": "/py", "haproxy": "/ha", "valkey-server": "/vk"}
SERVICES = read_services(COMPOSE_FILE, {})


def places() -> Places:
    numbers = count(40_000)
    ports = native_ports(SERVICES, free_port=lambda: next(numbers), keep_published=True)
    return Places(ports, PROGRAMS, Path("/checkout"), Path("/volumes"))


def program(name: str) -> NativeService:
    return native(SERVICES[name], SERVICES, places())


def service(command: tuple[str, ...] = ("python",), **environment: str) -> Service:
    return Service("lone", command, environment, (), {}, {}, (), ())


def test_no_two_ports_are_the_same() -> None:
    ports = places().ports
    assert len(set(ports.values())) == len(ports) == 12


def test_every_service_of_the_file_has_a_native_form_on_loopback() -> None:
    for name in SERVICES:
        spoken = [*program(name).command, *program(name).environment.values()]
        assert not any("0.0.0.0" in word for word in spoken)


def test_a_gateway_listens_on_its_own_ports_and_finds_redis() -> None:
    ports, env = places().ports, program("gateway-2").environment
    assert env["GATEWAY_PORT"] == str(ports["gateway-2", 8000])
    assert env["GATEWAY_INTERNAL_PORT"] == str(ports["gateway-2", 8001])
    assert env["REALTIME_REDIS_URL"] == f"redis://127.0.0.1:{ports['redis', 6379]}/0"
    assert program("gateway-2").check[-1].endswith(f":{ports['gateway-2', 8001]}/readyz")


def test_the_balancer_finds_each_gateway_and_its_readiness() -> None:
    ports, env = places().ports, program("haproxy").environment
    assert env["BALANCER_BIND"] == "127.0.0.1:8000"
    assert env["BALANCER_GATEWAY_3"] == f"127.0.0.1:{ports['gateway-3', 8000]}"
    assert env["BALANCER_READYZ_3"] == str(ports["gateway-3", 8001])
    assert program("haproxy").command[-1] == "/checkout/deploy/haproxy.cfg"


def test_redis_keeps_its_data_in_the_folder_of_its_volume() -> None:
    command = program("redis").command
    assert command[0] == "/vk"
    assert "/volumes/redis-data" in command
    assert named_volumes(SERVICES) == {"redis-data"}
    assert program("redis").check == (), "the client that asks is in the image alone"


def test_an_origin_of_the_page_stays_the_one_that_browsers_say() -> None:
    origins = program("gateway-1").environment["GATEWAY_ALLOWED_ORIGINS"]
    assert origins == "http://127.0.0.1:8090,http://localhost:8090"


@pytest.mark.parametrize("url", ["redis://redis:6380", "http://127.0.0.1:9999", "nobody:80"])
def test_an_address_that_no_service_has_is_refused(url: str) -> None:
    with pytest.raises(UnknownAddress, match="lone mentions"):
        native(service(ANY_URL=url), SERVICES, places())


def test_a_service_starts_after_what_it_needs() -> None:
    waves = starting_waves(SERVICES)
    assert waves[0] == ["redis"]
    assert waves[-1] == ["demo"]
    order = [name for wave in waves for name in wave]
    assert sorted(order) == sorted(SERVICES)
    for name, each in SERVICES.items():
        assert all(order.index(need) < order.index(name) for need in each.needs)


def test_services_that_need_each_other_are_refused() -> None:
    one = Service("one", (), {}, (), {}, {}, ("two",), ())
    two = Service("two", (), {}, (), {}, {}, ("one",), ())
    with pytest.raises(ValueError, match="one, two"):
        starting_waves({"one": one, "two": two})


def test_a_profile_is_left_out_and_a_variable_takes_its_default() -> None:
    assert "grafana" not in SERVICES
    assert SERVICES["gateway-1"].environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    told = read_services(COMPOSE_FILE, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    url = told["gateway-1"].environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert url == "http://collector:4318"
