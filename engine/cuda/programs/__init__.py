"""What a card records: the forward and the sampling of a step, by size, and the attention and choices they read."""
