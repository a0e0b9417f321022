"""What becomes of proposals: finished, scored, ranked and gated, each decision in one place."""
