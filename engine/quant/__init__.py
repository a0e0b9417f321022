"""Quantization: formats, which weights get them, and the modules that compute with them. A new format ends here."""
