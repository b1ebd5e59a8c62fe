"""A refused upgrade is an answer, not an error of the server."""

import asyncio
import logging

import pytest
import uvicorn
from fastapi import FastAPI, Response, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.edge.http_protocol import BoundedHttpProtocol
from shared.http_server import QuietServer
from tests.support.waiting import eventually


async def refuse(socket: WebSocket) -> None:
    await socket.send_denial_response(Response("no", status_code=401))


async def test_a_refusal_reaches_the_client_and_logs_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = FastAPI()
    api.router.add_websocket_route("/", refuse)
    server = QuietServer(
        uvicorn.Config(
            api, port=0, http=BoundedHttpProtocol, ws="none", lifespan="off", log_config=None
        )
    )
    with caplog.at_level(logging.WARNING, logger="uvicorn.error"):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve())
            await eventually(lambda: server.started)
            port = server.servers[0].sockets[0].getsockname()[1]
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{port}/")
            server.should_exit = True
    assert refused.value.response.status_code == 401
    assert caplog.messages == []
