"""Mistakes in how a command is typed."""

from fanwire.errors import BadMessage


class UsageMistake(BadMessage):
    """The arguments do not fit together; nothing was done."""

    name = "usage"
    remedy = "`fanwire VERB --help` shows what a verb takes."
