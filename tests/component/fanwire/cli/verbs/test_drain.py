"""`fanwire drain` against servers that answer as gateways, workers and balancers do."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest

from tests.support.command_line import Run

Answers = dict[str, list[tuple[int, object]]]


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """Answer each path with its answers in turn, the last one again and again."""

    class Scripted(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            left = answers.get(f"{self.command} {self.path}", [(404, {"detail": "Not Found"})])
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(orjson.dumps(body))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def state(connections: int, *, drained: bool = False) -> dict[str, object]:
    return {"node": "gw-1", "draining": True, "drained": drained, "connections": connections}


def test_a_drain_is_begun_and_told(run: Run) -> None:
    with serving({"POST /drain": [(202, state(7))]}) as url:
        ran = run("drain", url, "--json")
    assert (ran.code, ran.rows) == (0, [state(7)])


def test_waiting_shows_how_far_it_has_come(run: Run) -> None:
    answers: Answers = {
        "POST /drain": [(202, state(7))],
        "GET /readyz": [(503, state(3)), (503, state(3)), (503, state(0, drained=True))],
    }
    with serving(answers) as url:
        ran = run("drain", url, "--wait")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "gw-1  draining  7 sockets left",
        "gw-1  draining  3 sockets left",
        "gw-1  drained  0 sockets left",
    ]


def test_a_drain_that_takes_too_long_is_exit_1(run: Run) -> None:
    answers: Answers = {"POST /drain": [(202, state(7))], "GET /readyz": [(503, state(7))]}
    with serving(answers) as url:
        ran = run("drain", url, "--wait", "--within", "0.1")
    assert ran.code == 1
    assert "7 sockets after 0.1 s" in ran.err


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, "not an internal port"),
        ({"GET /livez": [(200, {"worker": "w1"})]}, "fanout worker"),
        ({"GET /livez": [(200, {"alive": True})]}, "SIGTERM alone"),
        ({"POST /drain": [(502, "bad gateway")]}, "answers 502"),
    ],
)
def test_what_is_no_internal_port_of_a_gateway_is_told(
    run: Run, answers: Answers, told: str
) -> None:
    with serving(answers) as url:
        ran = run("drain", url)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    assert "GATEWAY_INTERNAL_PORT" in ran.err


@pytest.mark.parametrize(
    ("url", "code"), [("ftp://h", 2), ("h:8001", 2), ("http://127.0.0.1:1", 3)]
)
def test_a_wrong_url_has_its_exit_code(run: Run, url: str, code: int) -> None:
    assert run("drain", url, "--timeout", "1").code == code
