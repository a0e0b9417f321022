"""Which checkpoint is meant, how it gets here, and what of it fits this machine."""
