"""Sorts photos into folders by the day they were taken."""

import argparse
import shutil
from datetime import datetime
from pathlib import Path

SUFFIXES = {".jpg", ".jpeg", ".png"}


def taken_on(path):
    return datetime.fromtimestamp(path.stat().st_mtime).date()


def move(path, target, dry_run):
    folder = target / str(taken_on(⟦path⟧))
    print(f"{path} -> {folder}")
    if dry_run:
        return
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(str(path), str(folder / path.name))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", ⟦type=Path)⟧
    parser.add_argument("--dry-run", action="store_true")
    args = parser.parse_args()
    for path in sorted(args.source.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            move(path, args.target, args.dry_run)


if __name__ == "__main__":
    main()
