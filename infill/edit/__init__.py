"""What recent changes ask of other places: one rule for each kind of change. Text and syntax only."""
