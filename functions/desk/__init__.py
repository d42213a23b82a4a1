"""The desk function."""
