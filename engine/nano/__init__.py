"""The embedded checkpoint: an ordinary Hugging Face checkpoint directory that ships with the package.

Importable without torch. How it was made stands in its README.md.
"""

from pathlib import Path

DIRECTORY = Path(__file__).parent
"""Where config.json, tokenizer.json and the weights lie."""
