"""Logging in to FYERS and staying logged in.

notice's link -> auth_url?go=1 -> FYERS's login page -> generate_token
                 signed state                           state used up, code traded,
                                                        owner checked, token stored
"""

from __future__ import annotations

from shared.login.flow import Connection, LoginFlow, posted_code
from shared.login.renewal import LoginNotices, Renewal, keep_logged_in, refreshing
from shared.login.states import States

__all__ = [
    "Connection",
    "LoginFlow",
    "LoginNotices",
    "Renewal",
    "States",
    "keep_logged_in",
    "posted_code",
    "refreshing",
]
