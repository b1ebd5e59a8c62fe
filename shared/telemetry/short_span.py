"""The span of a request or a step that takes a moment, or nothing where tracing is off."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Self

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    set_span_in_context,
    use_span,
)

from fanwire.core.span_names import COUNT, ERROR_TYPE, RESULT
from fanwire.errors import RealtimeError
from shared.telemetry.contexts import NO_PARENT
from shared.telemetry.spans import SpanName

FAILED: Final = "failed"
FIRST_OURS: Final = 500
"""From this HTTP status on an error is the server's; one of the caller's is a fine answer."""


class ShortSpan:
    """Ends with a result, or as failed when its `with` block is left without one.

    The block alone does not make it the active span: see `active`.
    """

    __slots__ = ("_span",)

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_open:
            self._end(FAILED, error=FAILED)

    def active(self) -> AbstractContextManager[Any]:
        """Return a block whose log lines carry this span.

        Whatever takes a copy of the context inside keeps the span for as long as it lives: no
        socket may get its owner there.
        """
        if self._span is None:
            return nullcontext()
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self, result: str, *, count: int = 0) -> None:
        """End it as it should."""
        if self._is_open:
            self._end(result, count=count)

    def refuse(self, error: RealtimeError) -> None:
        """End it with an error; nothing happens if it has ended."""
        if self._is_open:
            self._end(error.name, error=error.name if error.http_status >= FIRST_OURS else None)

    def as_parent(self) -> Context:
        """Return the context of its children."""
        return NO_PARENT if self._span is None else set_span_in_context(self._span, NO_PARENT)

    @property
    def _is_open(self) -> bool:
        return self._span is not None and self._span.is_recording()

    def _end(self, result: str, *, count: int = 0, error: str | None = None) -> None:
        assert self._span is not None
        self._span.set_attributes({RESULT: result, COUNT: count})
        if error is not None:
            self._span.set_attribute(ERROR_TYPE, error)
            self._span.set_status(StatusCode.ERROR, error)
        self._span.end()


UNTRACED: Final = ShortSpan(None)


def begin(tracer: Tracer | None, name: SpanName, parent: ShortSpan = UNTRACED) -> ShortSpan:
    """Return a span that begins now, in a trace of its own unless it has a parent."""
    if tracer is None:
        return UNTRACED
    kind = SpanKind[name.kind.upper()]
    return ShortSpan(tracer.start_span(name.name, context=parent.as_parent(), kind=kind))
