"""`python -m gateway`: run a gateway, configured by the environment."""

import sys

from gateway.app import serve
from gateway.settings import GatewaySettings
from shared.logs import set_up_logs
from shared.runtime import run
from shared.settings import RealtimeSettings, TokenSettings, load_settings
from shared.settings_loading import EXIT_CONFIG, SettingsProblem


def main() -> None:
    """Start the gateway; exits 78 on a wrong setting."""
    realtime = load_settings(RealtimeSettings)
    tokens = load_settings(TokenSettings)
    settings = load_settings(GatewaySettings)
    set_up_logs(env=realtime.env, level=realtime.log_level, process="gateway")
    try:
        run(serve(realtime, tokens, settings))
    except SettingsProblem as problem:
        print(f"fanwire: {problem}", file=sys.stderr)  # noqa: T201  one line for the operator
        raise SystemExit(EXIT_CONFIG) from None


if __name__ == "__main__":
    main()
