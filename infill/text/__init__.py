"""Text and token ids: encoding, healed edges, line ends, languages, words, indentation."""
