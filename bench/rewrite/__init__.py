"""Rewrites of a selection to an instruction, measured: sets whose programs have tests, and mechanical ones."""
