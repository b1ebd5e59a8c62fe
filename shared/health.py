"""`python -m shared.health URL`: exit 0 if a server of this machine answers 200, else 1.

The health check of a container, whose image has no curl. It knows the standard library alone,
because it runs every few seconds and its start is most of what it costs.
"""

import http.client
import sys
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 2.0
"""Below the 3 s that the containers' health checks grant, so that this says what is wrong."""

USAGE: Final = "usage: python -m shared.health http://127.0.0.1:8001/livez"


def problem(url: str) -> str | None:
    """Return why the server behind `url` is not well, or None."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        # Not urllib: it would go through a proxy that the environment names.
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        said = answer.read(300).decode(errors="replace")
    except (OSError, http.client.HTTPException) as failure:
        return f"{url} cannot be asked: {failure!r}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"{url} answers {answer.status}: {said}"


def main(arguments: list[str]) -> int:
    """Return the exit code; the reason goes to stderr."""
    if len(arguments) != 1 or not arguments[0].startswith("http://"):
        told: str | None = USAGE
    else:
        told = problem(arguments[0])
    if told is not None:
        sys.stderr.write(f"{told}\n")
    return 0 if told is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
