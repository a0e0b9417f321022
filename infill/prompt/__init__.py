"""What the model is shown: the chat frame, the window of the file, the layout of a canvas."""
