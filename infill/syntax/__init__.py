"""What a parser says of a text: errors, scopes, brackets."""
