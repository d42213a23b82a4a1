"""Settles what deliveries left open, then lets the guard look."""

from shared.reconciliation.run import Reconciliation, Summary

__all__ = ["Reconciliation", "Summary"]
