"""What a parser says of a text: errors, statements and their scopes, brackets, what a hole's sides lack."""
