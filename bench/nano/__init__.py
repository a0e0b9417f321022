"""Makes the embedded checkpoint: corpus, tokenizer, prompt frames, training runs, export and model card."""
