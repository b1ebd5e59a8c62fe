"""`python -m gateway.settings_report`: what this process is configured to, as JSON."""

from typing import Final

from gateway.settings import GatewaySettings
from shared.settings.loading import EnvSettings
from shared.settings.realtime import RealtimeSettings, TokenSettings
from shared.settings.report import print_report

CLASSES: Final[tuple[type[EnvSettings], ...]] = (RealtimeSettings, TokenSettings, GatewaySettings)
"""What `gateway/__main__.py` loads, in its order."""

if __name__ == "__main__":
    print_report(CLASSES)
