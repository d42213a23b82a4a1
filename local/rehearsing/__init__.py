"""What `local.rehearsal` is made of; nothing but the standard library and `shared`."""
