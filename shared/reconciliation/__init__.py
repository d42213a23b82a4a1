"""Settles what deliveries left open, then lets the guard look."""

from shared.reconciliation.run import Reconciliation, RunSummary

__all__ = ["Reconciliation", "RunSummary"]
