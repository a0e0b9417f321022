"""What the server answers, one kind of request a file, and what it says of its silence."""
