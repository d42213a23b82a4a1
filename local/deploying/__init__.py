"""What deploy.sh leaves to Python: reading, checking, rendering."""
