"""Values to streams and back; it must never run a class body, a decorator or a metaclass's `__call__` again."""
