"""Sums up a month's expenses by category."""

import csv
import sys
from collections import defaultdict


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def total_by_category(rows):
    totals = defaultdict(float)
    for row in rows:
        totals[row["category"]] += ⟦float(row["amount"])⟧
    return totals


def report(totals):
    width = max(len(name) for name in totals)
    for name, amount in sorted(totals.items()):
        print(f"{name:<{width}} {amount:10.2f}")
    print(f"{'total':<{width}} {sum(totals.values()):10.2f}")


def main():
    if len(sys.argv) != 2:
        print("usage: expenses.py FILE", file=sys.stderr)
        return 1
    rows = read_rows(⟦sys.argv[1]⟧)
    report(total_by_category(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
