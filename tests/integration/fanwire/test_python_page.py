"""The snippets of docs/python.md run as they stand there."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from fanwire import DeliveredEvent, Publisher
from tests.conftest import StartServer
from tests.support.source_tree import CHECKOUT
from tests.support.stack import Stack
from tests.support.waiting import eventually

PAGE = CHECKOUT / "docs" / "python.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


class Enough(Exception):
    """Ends the snippet that would read for ever."""


async def run(snippet: str, names: dict[str, Any]) -> None:
    code = compile(snippet, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(code, names)
    if inspect.iscoroutine(found):
        await found


async def run_beside(stack: Stack, snippet: str, names: dict[str, Any]) -> None:
    if "Subscriber(" not in snippet:
        await run(snippet, names)
        return
    with Publisher.from_url(stack.redis_url) as publisher, pytest.RaisesGroup(Enough):
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(run(snippet, names))
            await eventually(lambda: "subscriber" in names or reading.done())
            publisher.publish("acme", "tasks", {"of": "the page"}, event_id="page")


@pytest.mark.cluster
async def test_the_snippets_of_the_python_page_run(
    start_server: StartServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(start_server().url, tmp_path)
    handled: list[DeliveredEvent] = []

    async def handle(event: DeliveredEvent) -> None:
        handled.append(event)
        raise Enough

    names: dict[str, Any] = {"get_token": stack.token, "handle": handle}
    await stack.start()
    try:
        for snippet in SNIPPETS:
            await run_beside(stack, snippet, names)
            names |= {"REDIS": stack.redis_url, "GATEWAY": stack.gateway.stream_url}
    finally:
        await stack.stop()
    assert [event.event_id for event in handled] == ["page"]
    said = capsys.readouterr().out
    assert "no replica said so in time" in said
    assert "known to be written" not in said
    assert names["entry_id"]
    assert len(set(names["entry_ids"])) == 1_000
