"""A generated program is judged by its exit status, inside limits."""

from __future__ import annotations

import pytest

from bench.sandbox import succeeds


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("assert 1 + 1 == 2", True),
        ("assert 1 + 1 == 3", False),
        ("def broken(:", False),
        ("raise SystemExit(0)", True),
        ("while True: pass", False),
        ("x = 'a' * (1 << 34)", False),
        ("open('big', 'wb').write(b'x' * (1 << 24))", False),
        ("import os; assert 'HOME' not in os.environ and not os.listdir('.')", True),
        ("import os; os.fork() or __import__('time').sleep(60)", True),
    ],
)
def test_a_program_succeeds_only_by_ending_well_within_its_limits(program: str, expected: bool) -> None:
    assert succeeds(program, seconds=1) is expected
