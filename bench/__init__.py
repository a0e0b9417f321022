"""Benchmarks and the making of the embedded checkpoint. Not part of the wheel."""
