"""Settles what deliveries left open and follows what FYERS accepted."""

from shared.reconciliation.run import Reconciliation, Summary

__all__ = ["Reconciliation", "Summary"]
