"""Logging in to FYERS and staying logged in.

notice's link -> auth_url?go=1&k=… -> FYERS's login page -> generate_token
                 signed state, with its lane                 state used up, code traded,
                                                             owner checked, token stored
"""

from __future__ import annotations

from shared.login.flow import Connection, LoginFlow, posted_code
from shared.login.keys import OwnersKey, derived
from shared.login.renewal import LoginNotices, Renewal, keep_logged_in, refreshing
from shared.login.states import States

__all__ = [
    "Connection",
    "LoginFlow",
    "LoginNotices",
    "OwnersKey",
    "Renewal",
    "States",
    "derived",
    "keep_logged_in",
    "posted_code",
    "refreshing",
]
