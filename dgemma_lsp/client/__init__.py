"""How a front end reaches an engine: in another process, in its own, or one that it starts."""
