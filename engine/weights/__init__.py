"""From a checkpoint on disk to resident weights: verify, quantize, keep in a cache, read, load."""
