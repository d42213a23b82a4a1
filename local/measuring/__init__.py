"""What `local.bench` measures, one module per question."""
