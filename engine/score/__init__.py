"""Log-likelihoods of rows that are read left to right; prefixes that rows share are read once."""
