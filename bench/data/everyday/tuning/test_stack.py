import unittest

from stack import Stack


class StackTest(unittest.TestCase):
    def setUp(self):
        self.stack = Stack()

    def test_new_stack_is_empty(self):
        self.assertEqual(len(self.stack), 0)

    def test_push(self):
        self.stack.push(1)
        self.stack.push(2)
        self.assertEqual(⟦len(self.stack)⟧, 2)

    def test_pop(self):
        self.stack.push(1)
        self.stack.push(2)
        self.assertEqual(self.stack.pop(), 2)
        self.assertEqual(self.stack.pop(), 1)

    def test_pop_empty(self):
        with self.assertRaises(IndexError):
            ⟦self.stack.pop()⟧

    def test_peek(self):
        self.stack.push("a")
        self.assertEqual(self.stack.peek(), "a")


if __name__ == "__main__":
    unittest.main()
