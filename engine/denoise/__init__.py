"""One denoising step: rows, the sampler, noise, and clamped tokens."""
