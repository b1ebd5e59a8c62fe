"""docker-compose.yml on a container engine: `pytest -m docker`, where there is one."""

import httpx
import pytest
from testcontainers.compose import DockerCompose

from demo.world import SERVICES
from fanwire.subscribe.subscriber import Subscriber
from tests.support.role import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


async def test_the_images_are_built_and_the_demo_reaches_a_client() -> None:
    with DockerCompose(ROOT, build=True, wait=True):
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get("http://127.0.0.1:8090/")).status_code == 200
            told = (await http.get("http://127.0.0.1:8090/dev/token")).json()
        async with Subscriber(
            told["url"], get_token=lambda: told["token"], services=SERVICES
        ) as subscriber:
            event = await anext(subscriber.events())
            assert event.service


def test_a_server_of_the_image_is_not_root_and_cannot_write() -> None:
    with DockerCompose(ROOT, build=True, wait=True) as compose:
        out, _, _ = compose.exec_in_container(["id", "-u"], "gateway-1")
        assert out.strip() == "10001"
        _, said, code = compose.exec_in_container(
            ["sh", "-c", "touch /app/x && echo written; true"], "gateway-1"
        )
        assert "Read-only" in said
        assert code == 0
