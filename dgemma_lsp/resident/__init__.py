"""The model in memory: loaded, served, given back, and what is given up where memory runs out."""
