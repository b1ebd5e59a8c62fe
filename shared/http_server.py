"""uvicorn inside a process that does more than HTTP."""

import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


class QuietServer(uvicorn.Server):
    """Leaves the signals to its process, which has an order in which to stop.

    Set `should_exit` to end `serve()`.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def internal_server(api: FastAPI, *, host: str, port: int) -> QuietServer:
    """Return a server for a process's internal port."""
    return QuietServer(
        uvicorn.Config(
            api,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
