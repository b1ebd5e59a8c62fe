"""`python -m fanout.settings_report`: what this process is configured to, as JSON."""

from typing import Final

from fanout.settings import FanoutSettings
from shared.settings.loading import EnvSettings
from shared.settings.realtime import RealtimeSettings
from shared.settings.report import print_report

CLASSES: Final[tuple[type[EnvSettings], ...]] = (RealtimeSettings, FanoutSettings)
"""What `fanout/__main__.py` loads, in its order."""

if __name__ == "__main__":
    print_report(CLASSES)
