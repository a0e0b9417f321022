import functools
import random
import time


class RetryError(Exception):
    """Every attempt failed."""


def retry(attempts=3, delay=1.0, exceptions=(Exception,)):
    """Call the decorated function again when it raises."""

    def decorate(function):
        @functools.wraps(⟦function⟧)
        def wrapper(*args, **kwargs):
            for attempt in range(attempts):
                try:
                    return function(⟦*args, **kwargs⟧)
                except exceptions as error:
                    if attempt == attempts - 1:
                        raise RetryError(function.__name__) from error
                    time.sleep(delay * 2**attempt + random.random())

        return wrapper

    return decorate
