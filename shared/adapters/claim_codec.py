"""A claim's document: what every claim has, and what its state has, side by side.

`state` names the state, and its slip stands under `sending`. What another state left in
a document is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from shared.adapters import record_codec
from shared.adapters.record_codec import NotARecord
from shared.idempotency import Claim, ClaimAt, Claimed, Slip, State

_STATES: dict[str, type[State]] = {state.name: state for state in get_args(State)}


def encode(claim: Claim) -> dict[str, Any]:
    """Return the document of a claim."""
    document = record_codec.encode(claim) | record_codec.encode(claim.at)
    if "slip" in document:
        document["sending"] = document.pop("slip")
    document["state"] = claim.state
    return document


def decode(document: Mapping[str, Any]) -> Claim:
    """Return the claim of a document; raise `NotARecord` naming a bad field."""
    name = document.get("state")
    state = _STATES.get(name) if isinstance(name, str) else None
    if state is None:
        raise NotARecord("claim.state is none that a claim can have")
    known: dict[str, Slip] = {}
    if state is not Claimed and (raw := document.get("sending")) is not None:
        known["slip"] = record_codec.decode(Slip, raw, "claim.sending")
    at = record_codec.decode(state, document, "claim", **known)
    return record_codec.decode(ClaimAt, document, "claim", at=at)
