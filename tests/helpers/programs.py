"""Random notebooks: cells that are valid in order, over containers, classes, closures, arrays and frames.

A program must never depend on anything but its seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_CLASSES = (
    """\
class {name}:
    items = []
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.items.append(x)
        self.v = x""",
    """\
class {name}{bases}:
    n = {number}
    def __init__(self, v=None):
        self.v = v
        type(self).n += 1
    def put(self, x):
        self.last = x
    @property
    def twice(self):
        return [self.v, self.v]
    @classmethod
    def of(cls, x):
        return cls(x)
    @staticmethod
    def one():
        return 1""",
    """\
class {name}:
    __slots__ = ('v', 'w')
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.w = x""",
    """\
@dataclasses.dataclass
class {name}:
    v: object = None
    more: list = dataclasses.field(default_factory=list)
    def put(self, x):
        self.more.append(x)""",
)
_CLOSURE = """\
def make():
    kept, n = [{value}], 0
    def add(x):
        nonlocal n
        n += 1
        kept.append(x)
        return n
    def get():
        return kept
    return add, get
{add}, {get} = make()"""
_DEFAULT = """\
def {name}(x, kept=[], *, seen={{}}):
    kept.append(x)
    seen[len(seen)] = len(kept)
    return kept"""
_DECORATED = """\
def counted(f):
    calls = []
    @functools.wraps(f)
    def inner(*a):
        calls.append(len(a))
        return f(*a)
    inner.calls = calls
    return inner
@counted
def {name}(x):
    return x"""


class Program:
    """Writes cells, knowing what kind of value each variable holds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kinds: dict[str, str] = {}
        self._next = 0
        self.cells: list[str] = []

    def write(self, length: int) -> list[str]:
        """`length` cells."""
        self.cells.append(
            "import collections, dataclasses, enum, functools, weakref\nimport numpy as np\nimport pandas as pd"
        )
        moves = [getattr(self, name) for name in dir(type(self)) if name.startswith("move_")]
        while len(self.cells) < length:
            lines = []
            for _ in range(self.random.choice((1, 1, 2, 3))):
                move: Callable[[], str | None] = self.random.choice(moves)
                line = move()
                if line is not None:
                    lines.append(line)
            if lines:
                self.cells.append("\n".join(lines))
        return self.cells

    def _new(self, kind: str) -> str:
        reuse = [name for name in self.kinds if self.kinds[name] == kind]
        if reuse and self.random.random() < 0.25:
            return self.random.choice(reuse)
        self._next += 1
        name = f"v{self._next}"
        self.kinds[name] = kind
        return name

    def _pick(self, *kinds: str) -> str | None:
        found = [name for name, kind in self.kinds.items() if kind in kinds or not kinds]
        return self.random.choice(found) if found else None

    def _value(self) -> str:
        if self.random.random() < 0.6:
            name = self._pick()
            if name is not None:
                return name
        return self.random.choice(
            [
                "1",
                "2.5",
                "'text'",
                "None",
                "[1, 2]",
                "{'a': 1}",
                "(1, [2])",
                "{1, 2}",
                "b'x'",
                "float('inf')",
                "10 ** 30",
            ]
        )

    def _int(self) -> str:
        return str(self.random.randrange(1000))

    def move_scalar(self) -> str:
        return f"{self._new('scalar')} = {self._int()}"

    def move_list(self) -> str:
        values = ", ".join(self._value() for _ in range(self.random.randrange(4)))
        return f"{self._new('list')} = [{values}]"

    def move_dict(self) -> str:
        value = self._value()
        return f"{self._new('dict')} = {{'k': {value}, {self._int()}: {self._value()}}}"

    def move_set(self) -> str:
        return f"{self._new('set')} = {{{self._int()}, 'a', ({self._int()}, 'b')}}"

    def move_collection(self) -> str:
        make = self.random.choice(
            ["collections.deque([%s], 5)", "collections.OrderedDict(a=%s)", "collections.Counter(a=1)",
             "collections.defaultdict(list, a=%s)", "bytearray(b'abc')"]
        )  # fmt: skip
        value = self._value()
        return f"{self._new('other')} = {make % value if '%s' in make else make}"

    def move_append(self) -> str | None:
        name = self._pick("list")
        return f"{name}.append({self._value()})" if name else None

    def move_put(self) -> str | None:
        name = self._pick("dict")
        return f"{name}[{self.random.choice(['0', repr('k'), repr('z')])}] = {self._value()}" if name else None

    def move_add(self) -> str | None:
        name = self._pick("set")
        return f"{name}.add({self._int()})" if name else None

    def move_pop(self) -> str | None:
        name = self._pick("list")
        return f"if {name}: {name}.pop()" if name else None

    def move_alias(self) -> str | None:
        name = self._pick()
        if name is None:
            return None
        self._next += 1
        self.kinds[f"v{self._next}"] = self.kinds[name]
        return f"v{self._next} = {name}"

    def move_rebind(self) -> str | None:
        one = self._pick()
        other = self._pick(self.kinds[one]) if one else None
        return f"{one}, {other} = {other}, {one}" if other else None

    def move_delete(self) -> str | None:
        free = [
            n for n, kind in self.kinds.items() if kind in ("list", "dict", "object", "array", "frame", "set", "scalar")
        ]
        if len(self.kinds) < 6 or not free:
            return None
        name = self.random.choice(free)
        del self.kinds[name]
        return f"del {name}"

    def move_class(self) -> str:
        name = self._new("class")
        base = self._pick("class")
        bases = f"({base})" if base and base != name else ""
        return self.random.choice(_CLASSES).format(name=name, bases=bases, number=self._int())

    def move_object(self) -> str | None:
        cls = self._pick("class")
        return f"{self._new('object')} = {cls}({self._value()})" if cls else None

    def move_put_object(self) -> str | None:
        name = self._pick("object")
        return f"{name}.{self.random.choice(['put(%s)', 'v = %s'])}" % self._value() if name else None

    def move_enum(self) -> str:
        name, member = self._new("enum"), self._new("other")
        return f"class {name}(enum.Enum):\n    A = 1\n    B = 'b'\n{member} = [{name}.A, {name}]"

    def move_closure(self) -> str:
        return _CLOSURE.format(add=self._new("adder"), get=self._new("getter"), value=self._value())

    def move_call_adder(self) -> str | None:
        name = self._pick("adder", "default", "toucher")
        return f"{name}({self._value()})" if name else None

    def move_call_getter(self) -> str | None:
        name = self._pick("getter")
        return f"{self._new('list')} = {name}()" if name else None

    def move_default(self) -> str:
        return _DEFAULT.format(name=self._new("default"))

    def move_toucher(self) -> str | None:
        target = self._pick("list")
        name = self._new("toucher")
        return (
            f"def {name}(x):\n    global {target}\n    {target} = [*{target}[-3:], x]"
            if target and target != name
            else None
        )

    def move_quiet_toucher(self) -> str | None:
        target = self._pick("list")
        name = self._new("toucher")
        return (
            f"{name} = lambda x: {target}.append(x) if isinstance({target}, list) else None"
            if target and target != name
            else None
        )

    def move_decorated(self) -> str:
        return _DECORATED.format(name=self._new("adder"))

    def move_method(self) -> str | None:
        name = self._pick("object")
        return f"{self._new('adder')} = {name}.put" if name else None

    def move_builtin_method(self) -> str | None:
        name = self._pick("list")
        return f"{self._new('adder')} = {name}.append" if name else None

    def move_partial(self) -> str | None:
        name = self._pick("adder", "default")
        return f"{self._new('other')} = functools.partial({name}, {self._value()})" if name else None

    def move_weak(self) -> str | None:
        name = self._pick("object")
        return (
            f"try:\n    {self._new('weak')} = weakref.ref({name})\nexcept TypeError:\n    {self._new('weak')} = None"
            if name
            else None
        )

    def move_array(self) -> str:
        size = self.random.choice((5, 40, 9_000))
        make = self.random.choice([f"np.arange({size})", f"np.zeros(({size}, 2))", f"np.ones({size})[::-1]"])
        return f"{self._new('array')} = {make}"

    def move_view(self) -> str | None:
        name = self._pick("array")
        cut = self.random.choice(["[1:4]", "[::2]", ".T", "[:]"])
        return f"{self._new('array')} = {name}{cut}" if name else None

    def move_write_array(self) -> str | None:
        name = self._pick("array")
        return f"{name}[{self.random.choice(['0', '-1', '...', ':2'])}] = {self._int()}" if name else None

    def move_object_array(self) -> str | None:
        name = self._pick("list", "dict")
        return f"{self._new('objects')} = np.array([{name}, None, 'x'], dtype=object)" if name else None

    def move_frame(self) -> str:
        size = self.random.choice((3, 9_000))
        return (
            f"{self._new('frame')} = pd.DataFrame({{'a': np.arange({size}), 'b': np.arange({size}) * 0.5, "
            f"'s': [str(i % 7) for i in range({size})]}})"
        )

    def move_frame_column(self) -> str | None:
        name = self._pick("frame")
        column = self.random.choice(["c", "d", "a"])
        return f"{name}['{column}'] = {self.random.choice([self._int(), f'{name}.b * 2', repr('w')])}" if name else None

    def move_frame_write(self) -> str | None:
        name = self._pick("frame")
        return f"{name}.loc[{name}.index[0], 'b'] = {self._int()}" if name else None

    def move_frame_part(self) -> str | None:
        name = self._pick("frame")
        part = self.random.choice(["[{}.b >= 0]", ".head(2)", "[['a', 'b']]", ".copy()"])
        return f"{self._new('part')} = {name}{part.format(name)}" if name else None

    def move_show(self) -> str | None:
        name = self._pick("list", "dict", "object", "array", "frame")
        return name

    def move_out(self) -> str:
        return "for shown in list(Out.values()):\n    if isinstance(shown, list):\n        shown.append('shown')"

    def move_dynamic(self) -> str | None:
        name = self._pick("list")
        return (
            self.random.choice([f"exec('{name}.append(1)')", f"globals()['{name}'] = [globals().get('{name}')]"])
            if name
            else None
        )

    def move_cycle(self) -> str | None:
        one, other = self._pick("list"), self._pick("dict")
        return f"{one}.append({other}); {other}['up'] = {one}" if one and other else None

    def move_fail(self) -> str | None:
        name = self._pick("list")
        return f"{name}.append('before the error'); 1 / 0" if name else None
