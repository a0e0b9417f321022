"""Counts words: an unfinished file, which `make demo` completes at the cursor after `return`."""

import sys


class WordCount:
    def __init__(self, text):
        self.text = text
        self.words = text.split()

    def count(self, word):
        return 

    def __len__(self):
        return len(self.words)


if __name__ == "__main__":
    print(len(WordCount(sys.stdin.read())))
