"""The login's end."""
