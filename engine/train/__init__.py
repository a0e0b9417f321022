"""Training over id tensors: a lean forward, the objectives, the optimizer and the loop. Knows no text or tokenizer."""
