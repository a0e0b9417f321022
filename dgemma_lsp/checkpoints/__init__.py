"""Checkpoints: which one is meant, how it gets here, and in which format it fits this machine."""
