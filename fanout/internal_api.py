"""What an orchestrator and an operator ask a worker, on its internal port.

Liveness is the process alone: were it to depend on Redis, a blip there would have every
worker restarted at once. Readiness means that the worker holds its share and has looked for
topics; it falls while Redis cannot be reached.
"""

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from fanout.worker import FanoutWorker
from shared.telemetry.setup import CONTENT_TYPE, Telemetry


def internal_api(worker: FanoutWorker, telemetry: Telemetry) -> FastAPI:
    """Return the application that tells about `worker`."""
    api = FastAPI(title="fanout", docs_url=None, redoc_url=None, openapi_url=None)

    @api.get("/livez")
    async def livez() -> JSONResponse:
        return JSONResponse(_state(worker))

    @api.get("/readyz")
    async def readyz() -> JSONResponse:
        is_ready = worker.term is not None and worker.term.is_ready
        return JSONResponse(_state(worker), status_code=200 if is_ready else 503)

    # Not `async`: the text takes some milliseconds, which a thread spares the commits.
    @api.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.prometheus_text(), media_type=CONTENT_TYPE)

    return api


def _state(worker: FanoutWorker) -> dict[str, object]:
    topic_table = worker.term.topic_table if worker.term else None
    return {
        "worker": worker.name,
        "partitions": len(topic_table.held) if topic_table else 0,
        "topics": len(topic_table.open) if topic_table else 0,
        "replayBytes": sum(t.retention.size_bytes for t in topic_table.open.values())
        if topic_table
        else 0,
        "counters": worker.counters.as_dict(),
    }
