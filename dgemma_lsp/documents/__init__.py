"""What the editor has open: texts, positions, the window around a cursor, and what must not be read."""
