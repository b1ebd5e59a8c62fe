"""The name of every span, and of every attribute that one carries.

The SDK, the workers and the gateways each make a part of one trace, and people search it by these
names. Those of OpenTelemetry's conventions are used where they fit. `contract/span_names.json`
holds them: a dashboard or an alert breaks silently when a name changes.
"""

from typing import Final

SEND: Final = "send events"
COMMIT: Final = "commit <service>"
DELIVER: Final = "deliver <service>"
CONNECT: Final = "connect"
RESUME: Final = "resume"
UPDATE_SERVICES: Final = "update-services"
DRAIN: Final = "drain"

SYSTEM: Final = "messaging.system"
OPERATION: Final = "messaging.operation.name"
DESTINATION: Final = "messaging.destination.name"
BATCH_COUNT: Final = "messaging.batch.message_count"
ENTRY_ID: Final = "messaging.message.id"
ERROR_TYPE: Final = "error.type"

ENTRY_IDS: Final = "fanwire.entry_ids"
SERVICE: Final = "fanwire.service"
ORG: Final = "fanwire.org"
POSITION: Final = "fanwire.position"
WINDOW_MS: Final = "fanwire.batch.window_ms"
SIZE_BYTES: Final = "fanwire.batch.size_bytes"
RECIPIENTS: Final = "fanwire.recipients"
FILTERED: Final = "fanwire.filtered"
DROPPED: Final = "fanwire.dropped"
AGE_MS: Final = "fanwire.age_ms"
RESULT: Final = "fanwire.result"
COUNT: Final = "fanwire.count"

REDIS: Final = "redis"
"""The value of SYSTEM."""
