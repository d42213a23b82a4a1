"""The pages the owner sees."""

from shared.pages.builder import builder
from shared.pages.desk import (
    Form,
    desk_failure,
    desk_login,
    desk_refused,
    front,
    outcome,
    past,
)
from shared.pages.frame import POLICY, Page
from shared.pages.login import ALERT, connect, connected, failure

__all__ = [
    "ALERT",
    "POLICY",
    "Form",
    "Page",
    "builder",
    "connect",
    "connected",
    "desk_failure",
    "desk_login",
    "desk_refused",
    "failure",
    "front",
    "outcome",
    "past",
]
