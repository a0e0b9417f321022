package stack

import "testing"

func TestPush(t *testing.T) {
	s := New()
	s.Push(1)
	s.Push(2)
	if s.Len() != 2 {
		t.Errorf("Len() = %d, want 2", s.Len())
	}
}

func TestPop(t *testing.T) {
	s := New()
	s.Push(1)
	value, err := s.Pop()
	if err != nil {
		⟦t.Fatal(err)⟧
	}
	if value != 1 {
		t.Errorf("Pop() = %d, want 1", value)
	}
	if s.Len() != 0 {
		t.Errorf("Len() = %d, want 0", ⟦s.Len())⟧
	}
}

func TestPopEmpty(t *testing.T) {
	s := New()
	if _, err := s.Pop(); err == nil {
		t.Error("Pop() on an empty stack should fail")
	}
}
