"""TradingView's alert: from raw bytes to a frozen `Alert`, one step at a time.

The order of the steps is a promise: JSON object, then the secret, then the fields.
Until the secret matches nothing else is validated, read or stored.
"""

from shared.alerts.body import (
    Value,
    authenticate,
    document_id,
    fingerprint,
    holds_secret,
    read_body,
    words,
)
from shared.alerts.names import ALIASES
from shared.alerts.parsing import parse

__all__ = [
    "ALIASES",
    "Value",
    "authenticate",
    "document_id",
    "fingerprint",
    "holds_secret",
    "parse",
    "read_body",
    "words",
]
