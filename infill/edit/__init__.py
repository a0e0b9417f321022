"""What recent changes ask of other places: which names and strings are to follow, and how. Text and syntax only."""
