"""A FYERS v3 stand-in over HTTP."""
