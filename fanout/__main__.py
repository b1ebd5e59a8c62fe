"""`python -m fanout`: run a fanout worker, configured by the environment."""

from fanout.app import serve
from fanout.settings import FanoutSettings
from shared.logs import set_up_logs
from shared.runtime import run
from shared.settings.loading import exit_on_problem
from shared.settings.realtime import RealtimeSettings, load_settings
from shared.telemetry.settings import load_exports


def main() -> None:
    """Start the worker; exits 78 on a wrong setting."""
    realtime = load_settings(RealtimeSettings)
    settings = load_settings(FanoutSettings)
    exports = load_exports()
    set_up_logs(env=realtime.env, level=realtime.log_level, process="fanout")
    with exit_on_problem():
        run(serve(realtime, settings, exports))


if __name__ == "__main__":
    main()
