"""transformers' DiffusionGemma layers, driven over packed rows of tokens."""
