"""Who comes, stays and goes."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, highest, rate, ratio, total
from shared.telemetry import names

TITLE: Final = "Connections"

PANELS: Final = (
    Panel(
        "Sockets of each gateway", "Uneven after a gateway was added: its share grows as clients "
        "reconnect.", "short",
        (("{{instance}}", total(names.CONNECTIONS_ACTIVE, INSTANCE)),), is_stacked=True,
    ),
    Panel(
        "Share of the limit", "Open sockets ÷ GATEWAY_MAX_CONNECTIONS; full, a gateway refuses "
        "with 503.", "percentunit",
        (("{{instance}}", ratio(highest(names.CONNECTIONS_ACTIVE, INSTANCE),
                                highest(names.CONNECTIONS_LIMIT, INSTANCE))),),
        ("FanwireGatewayFull",), limit=0.85,
    ),
    Panel(
        "Connects and ends", "Upgrades done, and sockets ended. Both high at once is a wave of "
        "reconnects.", "cps",
        (("opened", rate(names.CONNECTIONS_OPENED)), ("closed", rate(names.CONNECTIONS_CLOSED))),
    ),
    Panel(
        "Ends by close code", "1006: ended without a close, by the network or the client; "
        "4410: too slow; 1012: drained. All are in docs/close_codes.md.", "cps",
        (("{{code}}", rate(names.CONNECTIONS_CLOSED, names.CODE)),), is_stacked=True,
    ),
    Panel(
        "Refused connects", "By the name of the error, docs/errors.md.", "cps",
        (("{{reason}}", rate(names.CONNECTIONS_REJECTED, names.REASON)),),
        ("FanwireTokensRefused", "FanwireGatewayFull"), is_stacked=True,
    ),
    Panel(
        "Tokens not accepted", "At upgrades, requests and refreshes.", "cps",
        (("{{reason}}", rate(names.AUTH_FAILURES, names.REASON)),), ("FanwireTokensRefused",),
        is_stacked=True,
    ),
    Panel(
        "Age of the keys", "Since the issuer's keys were fetched; they are fetched every "
        "REALTIME_JWKS_REFRESH_S. From REALTIME_JWKS_MAX_AGE_S on no token is accepted.", "s",
        (("{{instance}}", highest(names.KEYS_AGE, INSTANCE)),), ("FanwireTokensRefused",),
    ),
)  # fmt: skip
