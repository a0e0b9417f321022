"""Edit suggestions: where the last changes are to be followed, what is offered there, and what never is."""
