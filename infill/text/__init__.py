"""Text and token ids, lines and their indentation, what stands around holes, languages, words."""
