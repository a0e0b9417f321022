package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
)

func count(file *os.File) (map[string]int, error) {
	counts := make(map[string]int)
	scanner := bufio.NewScanner(⟦file⟧)
	scanner.Split(bufio.ScanWords)
	for scanner.Scan() {
		counts[strings.ToLower(scanner.Text())]++
	}
	return counts, scanner.Err()
}

func main() {
	counts, err := count(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, ⟦err⟧)
		os.Exit(1)
	}
	words := make([]string, 0, len(counts))
	for word := range counts {
		words = append(words, word)
	}
	sort.Strings(words)
	for _, word := range words {
		fmt.Printf("%s %d\n", word, counts[word])
	}
}
