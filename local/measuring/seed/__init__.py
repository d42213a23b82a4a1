"""The common shape, as a function of its own."""
