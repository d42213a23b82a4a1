"""FYERS through its SDK: transport, orders and login."""
