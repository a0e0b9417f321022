"""The fast path: passes of fixed shapes over buffers that never move, so that a card can replay each as one graph."""
