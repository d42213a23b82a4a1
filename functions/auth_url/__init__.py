"""The login's beginning."""
