"""The engine host: requests in, and one thread that serves them with the resident model."""
