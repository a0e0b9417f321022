"""DiffusionGemma's layers over packed rows of tokens; transformers' modules hold their weights."""
