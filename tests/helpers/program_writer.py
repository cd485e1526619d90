"""What writes a random notebook remembers: which variable holds which kind of value.

It must never depend on anything but its seed.
"""

from __future__ import annotations

from helpers.programs import Program

#: Values that nothing else shares.
_PLAIN = (
    "1", "2.5", "-3j", "'text'", "'ä\\ud800'", "None", "True", "...", "[1, 2]", "{'a': 1}", "(1, [2])",
    "{1, 2}", "b'x'",
    "float('inf')", "10 ** 30", "bytearray(b'ab')", "range(3)", "slice(1, 2)", "frozenset({1, 'a'})", "int", "len",
    "math.pi", "math", "datetime.date(2026, 1, 2)", "decimal.Decimal('1.1')", "pathlib.PurePosixPath('a/b')",
    "re.compile('a+')", "np.float32(1.5)", "np.dtype('i4')", "pd.Timestamp('2026-01-02')",
    "types.SimpleNamespace(a=[1])",
    "collections.deque([[1], 2], 4)",
)  # fmt: skip


class Writer(Program):
    """Picks and makes names by kind; the wider moves are in the classes that extend it."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        #: Names that the move in the making binds: no part of it can use them yet.
        self.bound: dict[str, str] = {}

    def _new(self, kind: str) -> str:
        """A name for a value of that kind, now and then one that is bound already."""
        reuse = [name for name in self.kinds if self.kinds[name] == kind]
        if reuse and self.random.random() < 0.25:
            return self.random.choice(reuse)
        return self._fresh(kind)

    def _fresh(self, kind: str) -> str:
        """A name that was never bound."""
        self._next += 1
        name = f"{self.random.choice(('v', 'v', 'v', '_w', 'ü'))}{self._next}"
        self.bound[name] = kind
        return name

    def _value(self, depth: int = 2) -> str:
        """An expression: a variable, something plain, or a nest of both."""
        chance = self.random.random()
        if chance < 0.55:
            name = self._pick()
            # A copy of one that was lost can be made, of one that was not yet cannot.
            if name is not None and self.kinds[name] != "lost":
                return name
        if depth and chance > 0.85:
            return self._nest(depth - 1)
        return self.random.choice(_PLAIN)

    def _nest(self, depth: int) -> str:
        """Containers in containers."""
        one, other = self._value(depth), self._value(depth)
        return self.random.choice(
            (
                f"[{one}, [{other}]]",
                f"({one}, ({other},), [])",
                f"{{'k': {one}, (1, 'b'): [{other}], None: ()}}",
                f"collections.deque([{one}, {{'d': {other}}}])",
                f"collections.OrderedDict([('x', {one}), ('y', ({other}, []))])",
                f"types.SimpleNamespace(left={one}, right=[{other}])",
                f"collections.ChainMap({{'c': {one}}}, {{'d': {other}}})",
            )
        )

    def _one_of(self, *texts: str) -> str:
        """One of them."""
        return self.random.choice(texts)
