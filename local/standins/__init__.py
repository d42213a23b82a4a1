"""What stands beside the functions on one machine: the owner's phone, the bucket."""
