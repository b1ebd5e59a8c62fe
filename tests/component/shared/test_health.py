"""The health check of a container: its exit code is all that the engine hears."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.health import main
from tests.support.waiting import free_port


class Answers(BaseHTTPRequestHandler):
    """/livez is well, everything else is not."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()
        self.wfile.write(b'{"draining":true}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Write nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    http = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_server_that_answers_200_is_well(server: str) -> None:
    assert main([f"{server}/livez"]) == 0


def test_another_answer_is_not_and_is_told(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{server}/readyz"]) == 1
    assert '503: {"draining":true}' in capsys.readouterr().err


def test_a_proxy_of_the_environment_is_not_asked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert main([f"{server}/livez"]) == 0


def test_nobody_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"http://127.0.0.1:{free_port()}/livez"]) == 1
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert "cannot be asked" in written


@pytest.mark.parametrize("arguments", [[], ["8001"], ["http://a", "http://b"], ["ftp://a"]])
def test_a_call_that_cannot_be_meant_says_what_can(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert "usage" in capsys.readouterr().err
