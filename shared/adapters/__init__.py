"""The only code that touches the outside: FYERS, Google Cloud, files, the network."""
