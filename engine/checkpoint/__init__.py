"""What a checkpoint directory says of itself: files, topology, and the tensors it must hold."""
