"""The file that a hole is in: where the hole is, reading and writing it, the difference."""
