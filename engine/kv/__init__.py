"""Keys and values of prompts: the pool that holds them, the caches that layers use, and the attention masks."""
