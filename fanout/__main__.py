"""`python -m fanout`: run a fanout worker, configured by the environment."""

import sys

from fanout.app import serve
from fanout.settings import FanoutSettings
from shared.logs import set_up_logs
from shared.runtime import run
from shared.settings import RealtimeSettings, load_settings
from shared.settings_loading import EXIT_CONFIG, SettingsProblem


def main() -> None:
    """Start the worker; exits 78 on a wrong setting."""
    realtime = load_settings(RealtimeSettings)
    settings = load_settings(FanoutSettings)
    set_up_logs(env=realtime.env, level=realtime.log_level, process="fanout")
    try:
        run(serve(realtime, settings))
    except SettingsProblem as problem:
        print(f"fanwire: {problem}", file=sys.stderr)  # noqa: T201  one line for the operator
        raise SystemExit(EXIT_CONFIG) from None


if __name__ == "__main__":
    main()
