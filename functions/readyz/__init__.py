"""Whether everything is there."""
