"""The refresh-symbols function."""
