"""Everything that can go wrong, as one shallow tree under `Expected`.

    Problem                      a reply to the caller: status, code, a sentence
    ├── OutcomeUnknown     202   FYERS may hold the order; never a resend
    ├── BadRequest         400   the alert (or body) is wrong; `code` says how
    │   └── Guarded              a guardrail stopped an entry
    ├── Unauthorized       401
    ├── Forbidden          403   another page's form, or another session's
    ├── NotFound           404   nothing is served under this path
    ├── MethodNotAllowed   405
    ├── SlowBody           408   the body did not come in time
    ├── InProgress         409   the same alert is at FYERS right now
    ├── NeverExecuted      410   settled as never executed
    ├── TooLarge           413
    ├── KeyReused          422
    ├── OrderRejected      424   FYERS refused the order for good
    ├── NotLoggedIn        424   a person must log in
    ├── Misconfigured      500   names of every wrong setting
    └── Unavailable        503   provably nothing sent; a resend is safe and wanted
        └── OutOfTime

    StoreError                   what a store adapter says; never leaves the core
    ├── AlreadyExists            `create` found a document
    ├── Conflict                 a conditional write found another version; not applied
    └── Doubtful                 no usable answer: a write may have been applied
        └── Damaged              what is stored cannot be read; it may be replaced

    BrokerError                  what FYERS's adapter says; never leaves the core
    ├── NotTaken                 the call provably did not reach FYERS, or did not count
    │   └── LoginEnded           only a person can log in
    ├── LoginRefused             an answer to a step of the login
    └── Unreadable               a read brought no usable answer

    Unusable                     what was read is not what it should be
    ├── NotAToken                the stored token
    ├── NotARecord               a stored document
    ├── SnapshotRefused          a symbol master, or a stored snapshot
    └── SourceBroken             the master did not come whole

    Failing                      a check of readyz did not pass

Callers branch on type and data; the text is for people only and never holds a secret.
"""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


class Expected(Exception):
    """The root: whatever is raised here on purpose."""


class Problem(Expected):
    """A refusal that becomes the reply: `status`, `code` and one sentence."""

    status = 500
    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def failure_body(
    message: str, code: str, request_id: str, **more: _T
) -> dict[str, bool | str | _T]:
    """Return the one body of every reply that says no."""
    return {
        "success": False,
        "error": message,
        "code": code,
        **more,
        "request_id": request_id,
    }


class OutcomeUnknown(Problem):
    """FYERS may hold the order; it is being settled and the owner is told."""

    status = 202
    code = "outcome_unknown"


class BadRequest(Problem):
    """Nothing was sent and a resend would not help: 400 with a code of its own."""

    status = 400
    code = "bad_request"

    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(message)
        self.code = code


class Unauthorized(Problem):
    """The shared secret is missing or wrong."""

    status = 401
    code = "unauthorized"


class Forbidden(Problem):
    """A form came from elsewhere than the caller's own page."""

    status = 403
    code = "forbidden"


class NotFound(Problem):
    """A function is served at its address alone."""

    status = 404
    code = "not_found"


class MethodNotAllowed(Problem):
    """The function does not serve this HTTP method."""

    status = 405
    code = "method_not_allowed"


class SlowBody(Problem):
    """The request's body did not come in time; nothing of it was used."""

    status = 408
    code = "slow_body"


class InProgress(Problem):
    """The same alert is at FYERS right now."""

    status = 409
    code = "in_progress"


class NeverExecuted(Problem):
    """The same alert was settled as never executed."""

    status = 410
    code = "not_sent"


class TooLarge(Problem):
    """The body is larger than the function reads."""

    status = 413
    code = "too_large"


class KeyReused(Problem):
    """The idempotency key belongs to another payload."""

    status = 422
    code = "key_reused"


class OrderRejected(Problem):
    """FYERS refused the order for good; a resend would not help."""

    status = 424
    code = "order_rejected"


class NotLoggedIn(Problem):
    """FYERS wants a person to log in; a resend would not help."""

    status = 424
    code = "not_logged_in"


class Misconfigured(Problem):
    """Settings are missing or wrong; `names` lists every one of them."""

    status = 500
    code = "misconfigured"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("settings are missing or wrong; the log names them")
        self.problems = problems


class Unavailable(Problem):
    """A store or FYERS is out of reach; provably nothing was sent."""

    status = 503
    code = "unavailable"


class OutOfTime(Unavailable):
    """The deadline leaves no room for the next step; nothing was sent."""


class StoreError(Expected):
    """What a store adapter raises; the core turns it into a `Problem`."""


class AlreadyExists(StoreError):
    """`create` found a document under that id."""


class Conflict(StoreError):
    """A conditional write found another version; it was not applied."""


class Doubtful(StoreError):
    """No usable answer: a read failed, or a write may have been applied or not."""


class Damaged(Doubtful):
    """What is stored is not what belongs there; `generation` names it for a write."""

    def __init__(self, message: str, generation: int) -> None:
        super().__init__(message)
        self.generation = generation


class BrokerError(Expected):
    """What FYERS's adapter raises; the core turns it into a `Problem` or an outcome."""


class Unusable(Expected):
    """What was read is not what it should be."""
