"""The text of an error reply as Redis sent it: a code in capitals, then words."""

from redis.exceptions import ResponseError


def error_text(error: ResponseError) -> str:
    """Return the whole text. redis-py takes the code off some errors and leaves it on others."""
    return f"{error.status_code} {error}" if error.status_code else str(error)
