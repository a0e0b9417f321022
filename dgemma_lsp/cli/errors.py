"""What a user can mend about a command."""


class CommandError(Exception):
    """One clear message, shown without a traceback."""
