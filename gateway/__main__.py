"""`python -m gateway`: run a gateway, configured by the environment."""

from gateway.app import serve
from gateway.settings import GatewaySettings
from shared.logs import set_up_logs
from shared.runtime import run
from shared.settings.loading import exit_on_problem
from shared.settings.realtime import RealtimeSettings, TokenSettings, load_settings
from shared.telemetry.settings import load_exports


def main() -> None:
    """Start the gateway; exits 78 on a wrong setting."""
    realtime = load_settings(RealtimeSettings)
    tokens = load_settings(TokenSettings)
    settings = load_settings(GatewaySettings)
    exports = load_exports()
    set_up_logs(env=realtime.env, level=realtime.log_level, process="gateway")
    with exit_on_problem():
        run(serve(realtime, tokens, settings, exports))


if __name__ == "__main__":
    main()
