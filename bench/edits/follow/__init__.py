"""Changes made mechanically in real Python, and what follows from each: the places to follow it, or nothing."""
