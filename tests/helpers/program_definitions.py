"""Cells over functions, classes and their instances: closures, defaults, slots, registries, weak references."""

from __future__ import annotations

from helpers.program_writer import Writer

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
    @twice.setter
    def twice(self, x):
        self.v = x
    @classmethod
    def of(cls, x):
        return cls(x)
    @staticmethod
    def one():
        return 1""",
    """\
class {name}:
    __slots__ = ('v', 'w', '__weakref__')
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.w = x""",
    """\
class {name}_base:
    __slots__ = 'v',
    kept = {{}}
class {name}({name}_base):
    __slots__ = ('more', '__dict__')
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.more = self.extra = [x]
        self.kept[len(self.kept)] = x""",
    """\
@dataclasses.dataclass
class {name}:
    v: object = None
    more: list = dataclasses.field(default_factory=list)
    def put(self, x):
        self.more.append(x)""",
    """\
@dataclasses.dataclass(slots=True, eq=False)
class {name}:
    v: object = None
    def put(self, x):
        self.v = [self.v, x][-2:]""",
    """\
class {name}(list):
    def __init__(self, v=None):
        super().__init__([v])
        self.v = v
    def put(self, x):
        super().append(x)
        self.v = self""",
    """\
class {name}(dict):
    def __init__(self, v=None):
        self['v'] = v
        self.v = v
    def put(self, x):
        self[len(self)] = x""",
    """\
class {name}_meta(type):
    made = []
    def __new__(mcs, name, bases, space, **kw):
        cls = super().__new__(mcs, name, bases, space)
        mcs.made.append(name)
        return cls
    def __call__(cls, *a):
        made = super().__call__(*a)
        cls.count = getattr(cls, 'count', 0) + 1
        return made
class {name}(metaclass={name}_meta):
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.v = x""",
    """\
class {name}_descriptor:
    def __set_name__(self, owner, name):
        self.name = '_' + name
    def __get__(self, obj, owner=None):
        return self if obj is None else getattr(obj, self.name, None)
    def __set__(self, obj, x):
        setattr(obj, self.name, x)
class {name}_root:
    known = {{}}
    def __init_subclass__(cls, **kw):
        {name}_root.known[cls.__name__] = cls
class {name}({name}_root):
    v = {name}_descriptor()
    def __init__(self, v=None):
        self.v = v
    def put(self, x):
        self.known[str(len(self.known))] = self
        self.v = x""",
    """\
class {name}:
    def __init__(self, v=None):
        self.v, self.hidden = v, 0
    def put(self, x):
        self.v = x
    def __getstate__(self):
        return dict(self.__dict__)
    def __setstate__(self, state):
        self.__dict__.update(state)""",
    """\
class {name}[T](collections.abc.Sized):
    class Inner:
        def __init__(self, outer):
            self.outer = outer
    def __init__(self, v: T | None = None):
        self.v, self.inner = v, self.Inner(self)
    def __len__(self):
        return 1
    def put(self, x: T) -> None:
        self.inner.x = x""",
)
_FUNCTIONS = ("adder", "default", "function")
_KEYS = (
    """\
class {name}:
    def __init__(self, n):
        self.n = n""",
    """\
class {name}:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        return type(other) is type(self) and other.n == self.n
    def __hash__(self):
        return hash(self.n)""",
    """\
@dataclasses.dataclass(frozen=True)
class {name}:
    n: int""",
    "{name} = collections.namedtuple('{name}', 'n')",
    """\
class {name}(str):
    def __new__(cls, n):
        made = super().__new__(cls, n)
        made.n = n
        return made""",
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
    def reset():
        nonlocal kept
        kept = [n]
    return add, get, reset
{add}, {get}, {reset} = make()"""
_DEFAULT = """\
def {name}(x, kept=[], *, seen={{}}):
    kept.append(x)
    seen[len(seen)] = len(kept)
    return kept"""
_SHARED_DEFAULT = """\
def {name}(x, kept={shared}):
    \"\"\"Keeps what it is given.\"\"\"
    kept.append(x)
    {name}.calls = getattr({name}, 'calls', 0) + 1"""
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
_RECURSIVE = """\
def outer():
    seen = {value}
    def fact(n):
        return 1 if n < 2 else n * fact(n - 1)
    def later():
        return fact, seen, unset
    if fact(3) > 100:
        unset = 1
    return fact, later
{name}, {other} = outer()"""
_ODD = (
    "@functools.lru_cache\ndef {name}(x):\n    return [{value}]",
    "@functools.singledispatch\ndef {name}(x): return {value}\n@{name}.register\ndef _one(x: int): return [x]",
    "async def {name}(x):\n    return [{value} async for _ in x]",
    "def {name}(x: 'int' = 1, *args: list, key: dict = {{}}, **kw) -> None:\n    yield {value}",
    "made_in = {{'held': {value}}}\nexec('def {name}(x): return held', made_in)\n{name} = made_in['{name}']",
    "{name} = type('{name}', (), {{'kept': [{value}], 'get': lambda self: self.kept}})",
    "{name} = operator.itemgetter('a', 0), operator.attrgetter('a.b'), operator.methodcaller('get', {value})",
    "{name} = [lambda n=n: (n, {value}) for n in range(3)]",
    "{name} = property(lambda self: {value})",
    "class {name}(typing.NamedTuple):\n    a: int = 1\n    b: list = [2]\n{name}.kept = [{name}(2), {value}]",
    "class {name}(abc.ABC):\n    @abc.abstractmethod\n    def get(self): ...\n{name}.register(dict)",
    "class {name}(enum.Flag):\n    A = 1\n    B = 2\n    AB = 3\n{name}.kept = {name}.A | {name}.B",
    "class {name}(str, enum.Enum):\n    A = 'a'\n    def up(self): return self.upper()\n{name}.A.note = [{value}]",
    "class {name}(Exception):\n    pass\n{name}.last = {name}('x', {value})",
    "type {name} = dict[str, list[int]]",
    "{name} = typing.TypedDict('{name}', {{'a': int}})",
)  # fmt: skip


class Definitions(Writer):
    """Moves over what is made by `def`, `class` and `lambda`."""

    def move_class(self) -> str:
        name = self._new("class")
        base = self._pick("class")
        bases = f"({base})" if base and base != name else ""
        return self._one_of(*_CLASSES).format(name=name, bases=bases, number=self._int())

    def move_object(self) -> str | None:
        cls = self._pick("class")
        return f"{self._new('object')} = {cls}({self._value()})" if cls else None

    def move_put_object(self) -> str | None:
        name = self._pick("object")
        how = self._one_of("put({})", "v = {}", "v.append({})", "extra = {}", "more = [{}]", "__dict__['in'] = {}")
        return f"{name}.{how.format(self._value())}" if name else None

    def move_object_away(self) -> str | None:
        name, cls = self._pick("object"), self._pick("class")
        return self._one_of(f"del {name}.v", f"{name}.__class__ = {cls}", f"{name}.__dict__.clear()") if name else None

    def move_change_class(self) -> str | None:
        name = self._pick("class")
        how = self._one_of(
            "{0}.items = [{1}]", "{0}.extra = lambda self: self.v", "{0}.kept_here = {1}", "del {0}.put",
            "{0}.n = getattr({0}, 'n', 0) + 1", "{0}.others = {{'me': {0}, 'v': {1}}}", "{0}.__name__ = 'Renamed'",
            "{0}.all_of = [{0}({1})]", "{0}.__init__ = functools.wraps({0}.__init__)(lambda self, v=None: None)",
        )  # fmt: skip
        return how.format(name, self._value()) if name else None

    def move_key_class(self) -> str:
        name = self._new("key class")
        return self._one_of(*_KEYS).format(name=name)

    def move_key(self) -> str | None:
        cls = self._pick("key class")
        return f"{self._fresh('key')} = {cls}({self._next})" if cls else None

    def move_use_key(self) -> str | None:
        key, into = self._pick("key"), self._pick("dict", "set", "list")
        if not key or not into:
            return None
        how = {
            "dict": "{0}[{1}] = {2}",
            "set": "{0}.add({1})",
            "list": "{0}.append({{{1}: {2}, 'f': frozenset([{1}])}})",
        }
        return how[self.kinds[into]].format(into, key, self._value())

    def move_find_key(self) -> str | None:
        key, into = self._pick("key"), self._pick("dict", "set")
        if not key or not into:
            return None
        found = self._fresh("scalar")
        back = f"; {key}.back = {into}" if self.random.random() < 0.3 else ""
        return f"{found} = {key} in {into}{back}"

    def move_odd(self) -> str:
        value = self._value()
        return self._one_of(*_ODD).format(name=self._fresh("odd"), value=value)

    def move_closure(self) -> str:
        value = self._value()
        return _CLOSURE.format(
            add=self._new("adder"), get=self._new("getter"), reset=self._new("resetter"), value=value
        )

    def move_recursive(self) -> str:
        value = self._value()
        return _RECURSIVE.format(name=self._fresh("odd"), other=self._fresh("odd"), value=value)

    def move_call_adder(self) -> str | None:
        name = self._pick(*_FUNCTIONS, "toucher")
        return f"{name}({self._value()})" if name else None

    def move_call_resetter(self) -> str | None:
        name = self._pick("resetter")
        return f"{name}()" if name else None

    def move_default(self) -> str:
        shared = self._pick("list")
        if shared and self.random.random() < 0.5:
            return _SHARED_DEFAULT.format(name=self._new("adder"), shared=shared)
        return _DEFAULT.format(name=self._new("adder"))

    def move_change_function(self) -> str | None:
        name = self._pick(*_FUNCTIONS)
        how = self._one_of(
            "{0}.note = {1}", "{0}.__defaults__ = ({1}, [])", "{0}.__doc__ = 'told'", "{0}.__code__ = {2}.__code__",
            "{0}.__defaults__[0].append({1})", "{0}.__closure__[0].cell_contents = {1}", "{0}.__name__ = 'renamed'",
        )  # fmt: skip
        return how.format(name, self._value(), self._pick(*_FUNCTIONS)) if name else None

    def move_toucher(self) -> str | None:
        target = self._pick("list")
        name = self._new("toucher")
        if not target or target == name:
            return None
        return self._one_of(
            f"def {name}(x):\n    global {target}\n    {target} = [*{target}[-3:], x]",
            f"{name} = lambda x: {target}.append(x) if isinstance({target}, list) else None",
            f"def {name}(x):\n    globals()['{target}'] = [x]",
            f"def {name}(x):\n    global late\n    late = [x, {target}]",
        )

    def move_bind(self) -> str | None:
        name, function = self._pick("object"), self._pick(*_FUNCTIONS)
        return f"{name}.bound = types.MethodType({function}, {name})" if name and function else None

    def move_weak(self) -> str | None:
        name = self._pick("object", "key", "class", *_FUNCTIONS)
        weak = self._fresh("other")
        how = self._one_of(
            "weakref.ref({0})", "weakref.proxy({0})", "weakref.WeakValueDictionary(a={0})", "weakref.WeakSet([{0}])",
            "weakref.WeakKeyDictionary({{{0}: [1]}})", "[weakref.ref({0}), {0}]", "weakref.ref({0}, id)",
            "weakref.WeakMethod({0}.put)", "{{'weak': weakref.ref(type({0})())}}",
        ).format(name)  # fmt: skip
        return f"try:\n    {weak} = {how}\nexcept (TypeError, AttributeError):\n    {weak} = None" if name else None

    def move_method(self) -> str | None:
        name = self._pick("object")
        how = self._one_of("{0}.put", "{0}.v.append", "types.MethodType(len, {0})", "{0}.__class__.put.__get__({0})")
        return f"{self._new('adder')} = {how.format(name)}" if name else None

    def move_partial(self) -> str | None:
        name = self._pick(*_FUNCTIONS)
        return (
            f"{self._new('other')} = functools.partial({name}, {self._value()}, k=[{self._value()}])" if name else None
        )
