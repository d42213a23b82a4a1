"""A simulated FYERS as the functions see it: settings, a login, an alert, a hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

import simulator
from shared.adapters import token_codec
from shared.models import Secret, Token

LOGIN_LASTS = timedelta(hours=8)
PATIENCE = 30.0


def settings(fyers: simulator.Simulator, secret: str) -> dict[str, str]:
    """Return what points the functions at it; `secret` is the webhook's."""
    return {
        "FYERS_APP_ID": fyers.options.app_id,
        "FYERS_SECRET_ID": fyers.options.secret,
        "FYERS_PIN": fyers.options.pin,
        "FYERS_BASE_URL": fyers.url,
        "SYMBOL_MASTER_URL": fyers.master_url,
        "WEBHOOK_SECRET_TOKEN": secret,
    }


def login(fyers: simulator.Simulator, now: datetime) -> bytes:
    """Return the stored form of a login that FYERS accepts."""
    tokens = fyers.login()
    token = Token(
        Secret(tokens["access_token"]),
        Secret(tokens["refresh_token"]),
        now.astimezone(UTC),
        now.astimezone(UTC) + LOGIN_LASTS,
        fyers.options.fy_id,
    )
    return token_codec.dumps(token)


def alert(secret: str, strike: float, action: str, now: datetime) -> dict[str, Any]:
    """Return an alert as the README's template has it: NIFTY, this week, a call."""
    return {
        "token": secret,
        "symbol": "NIFTY",
        "strikeprice": strike,
        "optionType": "CE",
        "expiry": "WEEKLY",
        "action": action,
        "time": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def change(fyers: simulator.Simulator, **what: Any) -> dict[str, Any]:
    """Change something at FYERS, as `POST /_sim/state` does; return its answer."""
    url = f"{fyers.url}/_sim/state"
    reply = requests.post(url, json=what, timeout=PATIENCE)
    reply.raise_for_status()
    content: dict[str, Any] = reply.json()
    return content
