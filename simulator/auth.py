"""Logins: one-use auth codes, JWT access tokens until 06:00 IST, refused refreshes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from datetime import datetime, timedelta

from simulator.options import IST, Options
from simulator.wire import Payload, Refused, Reply, Request, ok

AUTH_CODE_SECONDS = 30_000
REFRESH_DAYS = 15
REFRESH_REFUSED = (
    "Refresh token API is currently disabled to comply with SEBI regulations"
)
WRONG_HASH = (200, -5, "invalid app id hash")
USED_CODE = (200, -437, "invalid auth code")


class Auth:
    """Who is logged in."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._key = hashlib.sha256(f"simulator {options.secret}".encode()).digest()
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._ended_at = 0.0
        self._fresh: set[str] = set()

    @property
    def app_id_hash(self) -> str:
        """Return SHA-256 of `<app id>:<secret>`, lower-case hex."""
        joined = f"{self._options.app_id}:{self._options.secret}"
        return hashlib.sha256(joined.encode()).hexdigest()

    def auth_code(self, fy_id: str) -> str:
        """Return a fresh one-use auth code."""
        now = int(self._now().timestamp())
        return self._sign(
            {
                "iss": "api.login.fyers.in",
                "sub": "auth_code",
                "iat": now,
                "nbf": now,
                "exp": now + AUTH_CODE_SECONDS,
                "display_name": fy_id,
                "app_id": self._options.app_id,
                "uuid": secrets.token_hex(16),
            }
        )

    def issue(self) -> dict[str, str]:
        """Return an access and a refresh token, as step 2 does."""
        access = self._token("access_token", next_six(self._now()))
        until = next_six(self._now()) + timedelta(days=REFRESH_DAYS - 1)
        return {
            "access_token": access,
            "refresh_token": self._token("refresh_token", until),
        }

    def validate_code(self, request: Request) -> Reply:
        """Answer `POST /validate-authcode`."""
        body = request.payload()
        self._check_hash(body)
        if body.get("grant_type") != "authorization_code":
            raise Refused(400, -50, "Invalid input")
        code = body.get("code")
        if not isinstance(code, str) or not code:
            raise Refused(400, -374, "Please provide auth code")
        with self._lock:
            if code in self._used or not self._claims(code, "auth_code"):
                raise Refused(*USED_CODE)
            self._used.add(code)
        return ok(200, "", **self.issue())

    def refresh(self, request: Request) -> Reply:
        """Answer `POST /validate-refresh-token`; refused since 1 April 2026."""
        body = request.payload()
        self._check_hash(body)
        if not self._options.refresh_allowed:
            raise Refused(200, -16, REFRESH_REFUSED)
        token = body.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise Refused(400, -374, "Please provide refresh token")
        if not self._claims(token, "refresh_token"):
            raise Refused(200, -16, "Could not authenticate the user")
        if body.get("pin") != self._options.pin:
            raise Refused(200, -50, "Invalid pin")
        return ok(access_token=self._token("access_token", next_six(self._now())))

    def end_tokens(self) -> None:
        """End every token issued so far."""
        with self._lock:
            self._fresh.clear()
            self._ended_at = self._now().timestamp()

    def check(self, request: Request) -> None:
        """Raise the endpoint's own 401 unless the Authorization header is good."""
        app_id, found, token = request.headers.get("Authorization", "").partition(":")
        profile = request.path.endswith("/profile")
        if not found:
            if profile:
                raise Refused(401, -209, "Please provide the validation parameter")
            raise unauthorized(request.path, expired=False)
        if app_id != self._options.app_id:
            raise Refused(401, -352, "Please provide a valid app id.")
        claims = self._signed(token, "access_token")
        if not claims or self._is_over(token, claims):
            raise unauthorized(request.path, expired=bool(claims))

    def _check_hash(self, body: Payload) -> None:
        given = body.get("appIdHash")
        if not isinstance(given, str) or not given:
            message = "Please provide sha256 hash of appId and app secret"
            raise Refused(400, -371, message)
        if given != self.app_id_hash:
            raise Refused(*WRONG_HASH)

    def _token(self, subject: str, until: datetime) -> str:
        now = int(self._now().timestamp())
        token = self._sign(
            {
                "aud": ["d:1", "d:2", "x:0", "x:1"],
                "at_hash": secrets.token_urlsafe(24),
                "display_name": self._options.fy_id,
                "oms": "K1",
                "hsm_key": "",
                "isDdpiEnabled": "N",
                "isMtfEnabled": "N",
                "fy_id": self._options.fy_id,
                "appType": 200,
                "exp": int(until.timestamp()),
                "iat": now,
                "nbf": now,
                "iss": "api.fyers.in",
                "sub": subject,
            }
        )
        self._fresh.add(token)
        return token

    def _sign(self, claims: Payload) -> str:
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        signed = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{self._mac(signed)}"

    def _mac(self, signed: str) -> str:
        return _encode(hmac.digest(self._key, signed.encode(), "sha256"))

    def _claims(self, token: str, subject: str) -> Payload:
        """Return the claims of a token of that kind that is not over, else nothing."""
        claims = self._signed(token, subject)
        return {} if not claims or self._is_over(token, claims) else claims

    def _signed(self, token: str, subject: str) -> Payload:
        """Return the claims of a token this simulator signed, else nothing."""
        signed, _, mac = token.rpartition(".")
        claims = _read(token)
        genuine = hmac.compare_digest(mac.encode(), self._mac(signed).encode())
        return claims if genuine and claims.get("sub") == subject else {}

    def _is_over(self, token: str, claims: Payload) -> bool:
        until, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(until, int) or not isinstance(issued, int):
            return True
        old = issued <= self._ended_at and token not in self._fresh
        ended = old and claims.get("sub") != "auth_code"
        return ended or self._now().timestamp() >= until

    def _now(self) -> datetime:
        return self._options.clock()


def next_six(now: datetime) -> datetime:
    """Return the next 06:00 IST, when access tokens end."""
    six = now.astimezone(IST).replace(hour=6, minute=0, second=0, microsecond=0)
    return six if six > now else six + timedelta(days=1)


def unauthorized(path: str, *, expired: bool) -> Refused:
    """Return the 401 of an endpoint (docs/fyers.md: Calls and refusals)."""
    if path.startswith("/data/"):
        return Refused(401, -15, "Please provide valid token")
    if path.endswith("/profile") and expired:
        return Refused(401, -8, "Your token has expired. Please generate a token")
    code = -17 if path.endswith("/profile") else -16
    return Refused(401, code, "Could not authenticate the user")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(token: str) -> Payload:
    """Return a JWT's claims without checking anything, else nothing."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
