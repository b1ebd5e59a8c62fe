"""The `fanwire` command."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final, NoReturn

LIBRARIES: Final = ("jwt", "rich", "typer")
"""What the extra `cli` brings."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a verb and exit with its code. A user's mistake is never a traceback."""
    _check_libraries()
    from fanwire.cli.app import app
    from fanwire.cli.arguments import with_globals_first
    from fanwire.cli.exit_codes import exit_of
    from fanwire.cli.output import Output
    from fanwire.errors import RealtimeError

    given = with_globals_first(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="fanwire")
    except RealtimeError as error:
        Output(json="--json" in given, color="--no-color" not in given).error(error)
        raise SystemExit(exit_of(error)) from None
    except BrokenPipeError:
        # The reader of our output has seen enough, as `head` does.
        sys.stderr.close()
        raise SystemExit(0) from None
    raise SystemExit(0)


def _check_libraries() -> None:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"fanwire: the command line needs {', '.join(missing)}; "
            "install it with: pip install 'fanwire[cli]'\n"
        )
        raise SystemExit(2)
