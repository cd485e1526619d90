"""Mutations that the names in a cell do not tell: each is stored by the commit of its cell, or by the audit.

A program is its title with who catches it, set-up cells, the cell that mutates (the last one), and an expression
that must be true after a restore.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from helpers.durable import Notebook

COMMIT, AUDIT = "commit", "audit"

PROGRAMS = r"""
### method of an object (commit)
class Box:
    def __init__(self):
        self.items = []
    def put(self, x):
        self.items.append(x)
---
b = Box(); inner = b.items
---
b.put(1)
=== inner == [1] and b.items is inner

### bound method (commit)
kept = []
---
add = kept.append
---
add(1)
=== kept == [1] and add.__self__ is kept

### method bound to a notebook object (commit)
class Box:
    def __init__(self):
        self.items = []
    def put(self, x):
        self.items.append(x)
---
b = Box()
---
put = b.put
---
put(3)
=== b.items == [3]

### callback in a dict (commit)
kept = []
---
hooks = {'x': lambda v: kept.append(v)}
---
hooks['x'](1)
=== kept == [1]

### callback in a list (commit)
kept = []
---
hooks = [lambda v: kept.append(v)]
---
for h in hooks: h(2)
=== kept == [2]

### function called, then its name bound anew (commit)
def counter():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
step = counter(); holder = [step]
---
step(); step = None
=== holder[0]() == 2

### function called for the last time (commit)
def counter():
    n = 0
    def step():
        nonlocal n
        n += 1
    return step, lambda: n
step, get = counter()
---
step(); step = None
=== get() == 1

### function that mentions a global, called for the last time (commit)
kept = []
def f():
    kept.append(1)
---
f(); del f
=== kept == [1]

### class used, then its name bound anew (commit)
class Box:
    made = []
    def __init__(self):
        self.made.append(1)
b = Box()
---
Box(); Box = 5
=== type(b).made == [1, 1]

### function that appends to a global (commit)
kept = []
---
def f():
    kept.append(1)
---
f()
=== kept == [1]

### function that binds a global (commit)
n = 0
---
def f():
    global n
    n += 1
---
f()
=== n == 1

### function that calls a function (commit)
kept = []
---
def f():
    kept.append(1)
---
def g():
    f()
---
def h():
    g()
---
h()
=== kept == [1]

### default argument (commit)
def f(x, kept=[]):
    kept.append(x)
    return kept
---
f(1)
=== f(2) == [1, 2]

### default argument with a name (commit)
kept = []
---
def f(x, kept=kept):
    kept.append(x)
---
f(1)
=== kept == [1] and f.__defaults__[0] is kept

### keyword default (commit)
def f(*, seen={}):
    seen[len(seen)] = 1
    return seen
---
f()
=== len(f()) == 2

### class attribute through an instance (commit)
class C:
    kept = []
---
c = C()
---
c.kept.append(1)
=== C.kept == [1]

### class attribute by a method (commit)
class C:
    n = 0
    def up(self):
        type(self).n += 1
---
c = C()
---
c.up()
=== C.n == 1

### class attribute that has a name (commit)
kept = []
---
class C:
    k = kept
---
C.k.append(1)
=== kept == [1] and C.k is kept

### inherited class attribute (commit)
class A:
    kept = []
---
class B(A):
    pass
---
B.kept.append(1)
=== A.kept == [1]

### classmethod (commit)
class C:
    all = {}
    @classmethod
    def add(cls, k):
        cls.all[k] = 1
---
C.add('a')
=== C.all == {'a': 1}

### staticmethod and a global (commit)
kept = []
---
class C:
    @staticmethod
    def f():
        kept.append(1)
---
C.f()
=== kept == [1]

### property getter with a side effect (commit)
class C:
    n = 0
    @property
    def p(self):
        self.n += 1
        return 1
---
c = C()
---
c.p
=== c.n == 1

### closure in a registry (commit)
registry = {}
---
def make():
    kept = []
    registry['f'] = kept.append
    return lambda: kept
get = make()
---
registry['f'](1)
=== get() == [1]

### closure counter (commit)
def make():
    n = 0
    def up():
        nonlocal n
        n += 1
        return n
    return up
up = make()
---
up()
=== up() == 2

### two closures over one cell (commit)
def make():
    n = 0
    def up():
        nonlocal n
        n += 1
    def get():
        return n
    return up, get
up, get = make()
---
up(); up()
=== (up(), get())[1] == 3

### decorator with state (commit)
calls = []
---
def traced(f):
    def inner(*a):
        calls.append(a)
        return f(*a)
    return inner
---
@traced
def f(x):
    return x
---
f(1)
=== calls == [(1,)]

### function attribute (commit)
def f():
    f.n = getattr(f, 'n', 0) + 1
---
f()
=== f.n == 1

### class as decorator (commit)
class Count:
    def __init__(self, f):
        self.f, self.n = f, 0
    def __call__(self, *a):
        self.n += 1
        return self.f(*a)
---
@Count
def f(x):
    return x
---
f(1)
=== f.n == 1

### lru_cache of a function with an effect (commit)
import functools
kept = []
---
@functools.lru_cache
def f(x):
    kept.append(x)
    return x
---
f(1)
=== kept == [1]

### partial (commit)
import functools
kept = []
---
add = functools.partial(list.append, kept)
---
add(1)
=== kept == [1]

### map over a list (commit)
kept = []
---
f = lambda x: kept.append(x)
---
list(map(f, [1, 2]))
=== kept == [1, 2]

### sort key (commit)
kept = []
---
def key(x):
    kept.append(x)
    return x
---
sorted([2, 1], key=key)
=== kept == [2, 1]

### comprehension with a lambda (commit)
kept = []
---
[(lambda x: kept.append(x))(i) for i in range(2)]
=== kept == [0, 1]

### generator that holds a list (commit)
kept = []
---
def gen(k):
    while True:
        k.append(1)
        yield
g = gen(kept)
---
next(g)
=== kept == [1]

### generator expression (commit)
kept = []
---
g = (kept.append(i) for i in range(3))
---
next(g)
=== kept == [0]

### generator with yield from (commit)
kept = []
---
def inner(k):
    k.append(1)
    yield
def outer(k):
    yield from inner(k)
g = outer(kept)
---
next(g)
=== kept == [1]

### weak reference (commit)
class Box:
    def __init__(self):
        self.items = []
    def put(self, x):
        self.items.append(x)
---
import weakref
b = Box()
w = weakref.ref(b)
---
w().put(1)
=== b.items == [1] and w() is b

### weak proxy (commit)
class Box:
    def __init__(self):
        self.items = []
    def put(self, x):
        self.items.append(x)
---
import weakref
b = Box()
w = weakref.proxy(b)
---
w.put(1)
=== b.items == [1]

### view of an array (commit)
import numpy as np
a = np.zeros(9)
---
v = a[2:5]
---
v[0] = 7.0
=== a[2] == 7 and np.shares_memory(a, v)

### base through a view of a view (commit)
import numpy as np
a = np.zeros((3, 3))
---
v = a.T[1:]
---
v += 1
=== a[0, 1] == 1 and np.shares_memory(a, v)

### array through out= (commit)
import numpy as np
a = np.zeros(3)
b = {'x': a}
---
np.add(1, 1, out=b['x'])
=== a[0] == 2 and b['x'] is a

### list in an object array (commit)
import numpy as np
kept = []
---
a = np.array([kept, None], dtype=object)
---
a[0].append(1)
=== kept == [1] and a[0] is kept

### df.pipe (commit)
import pandas as pd
kept = []
---
def note(df):
    kept.append(len(df))
    return df
---
df = pd.DataFrame({'a': [1, 2]})
---
df.pipe(note)
=== kept == [2]

### df.apply (commit)
import pandas as pd
seen = set()
---
def note(x):
    seen.add(int(x))
    return x
---
df = pd.DataFrame({'a': [1, 2]})
---
df['a'].apply(note)
=== seen == {1, 2}

### column through a function (commit)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
---
def more():
    df['b'] = 3
---
more()
=== list(df.columns) == ['a', 'b']

### object in an object column (commit)
import pandas as pd
kept = [1]
---
s = pd.Series([kept, None], dtype=object)
---
s[0].append(2)
=== kept == [1, 2] and s[0] is kept

### context manager (commit)
log = []
---
class Note:
    def __enter__(self):
        log.append('in')
    def __exit__(self, *a):
        log.append('out')
---
note = Note()
---
with note: pass
=== log == ['in', 'out']

### contextlib manager (commit)
import contextlib
log = []
---
@contextlib.contextmanager
def note():
    log.append('in')
    yield
---
with note(): pass
=== log == ['in']

### operator overloading (commit)
log = []
---
class Num:
    def __add__(self, other):
        log.append(other)
        return self
---
n = Num()
---
n + 1
=== log == [1]

### in-place operator (commit)
class Acc:
    def __init__(self):
        self.kept = []
    def __iadd__(self, x):
        self.kept.append(x)
        return self
---
a = Acc(); also = a
---
a += 1
=== also.kept == [1] and also is a

### __getattr__ with an effect (commit)
class G:
    def __init__(self):
        self.asked = []
    def __getattr__(self, name):
        if name[:2] == '__':
            raise AttributeError(name)
        self.asked.append(name)
        return 1
---
g = G()
---
g.anything
=== g.asked == ['anything']

### __repr__ with an effect (commit)
class R:
    n = 0
    def __repr__(self):
        self.n += 1
        return 'R'
---
r = R()
---
repr(r)
=== r.n == 1

### __del__ that notes (commit)
log = []
---
class D:
    def __del__(self):
        log.append('gone')
---
d = D()
---
del d
=== log == ['gone']

### descriptor (commit)
class Desc:
    def __set_name__(self, o, n):
        self.kept = []
    def __get__(self, o, t):
        self.kept.append(1)
        return 1
---
class C:
    d = Desc()
---
c = C()
---
c.d
=== C.__dict__['d'].kept == [1]

### metaclass call (commit)
class M(type):
    made = []
    def __call__(cls, *a):
        M.made.append(cls.__name__)
        return super().__call__(*a)
---
class C(metaclass=M):
    pass
---
C()
=== M.made == ['C']

### __main__ through sys.modules (commit)
import sys
kept = [1]
---
sys.modules['__main__'].kept.append(2)
=== kept == [1, 2]

### binding through __main__ (commit)
import sys
x = 1
---
setattr(sys.modules['__main__'], 'x', 2)
=== x == 2

### import of __main__ (commit)
kept = []
---
import __main__ as me; me.kept.append(1)
=== kept == [1]

### globals() (commit)
x = 1
---
globals()['x'] = 5
=== x == 5

### exec (commit)
kept = []
---
exec('ke' + 'pt.append(1)')
=== kept == [1]

### eval in a function (commit)
kept = []
---
def f(text):
    return eval(text)
---
f('ke' 'pt').append(1)
=== kept == [1]

### import * (commit)
sep = 1
---
from os import *
=== sep == '/'

### result in Out (commit)
[1]
---
Out[1].append(2)
=== Out[1] == [1, 2]

### underscore (commit)
kept = []
kept
---
_.append(1)
=== kept == [1] and Out[1] is kept

### numbered result (commit)
kept = {}
kept
---
_1['a'] = 1
=== kept == {'a': 1}

### exception that holds a list (commit)
kept = []
---
try:
    raise ValueError(kept)
except ValueError as e:
    err = e
---
err.args[0].append(1)
=== kept == [1] and err.args[0] is kept

### iterator (commit)
it = iter([1, 2, 3])
---
next(it)
=== next(it) == 2

### dict view (commit)
d = {'a': []}
---
values = list(d.values())
---
values[0].append(1)
=== d == {'a': [1]} and values[0] is d['a']

### logging handler (commit)
import logging
kept = []
---
class H(logging.Handler):
    def emit(self, record):
        kept.append(record.getMessage())
handler = H()
logging.getLogger('nb').addHandler(handler)
---
import logging as l; l.getLogger('nb').error('x')
=== kept == ['x']

### logging to a StringIO (commit)
import logging, io
buf = io.StringIO()
h = logging.StreamHandler(buf)
log = logging.getLogger('nb2')
log.addHandler(h)
---
log.error('x')
=== buf.getvalue() == 'x\n'

### excepthook (commit)
import sys
kept = []
---
def hook(*a):
    kept.append(1)
sys.excepthook = hook
---
import sys as s; s.excepthook(None, None, None)
=== kept == [1]

### threading.local (commit)
import collections
d = collections.defaultdict(list)
---
x = d['a']
---
d['a'].append(1)
=== x == [1] and d['a'] is x

### __getstate__ with an effect (commit)
class S:
    saved = 0
    def __init__(self):
        self.n = 0
    def __getstate__(self):
        S.saved += 1
        return {'n': self.n}
---
s = S()
---
s.n = 1
=== s.n == 1

### thread of the user (commit)
import threading
kept = []
---
def work():
    kept.append(1)
t = threading.Thread(target=work)
---
t.start(); t.join()
=== kept == [1]

### executor (commit)
from concurrent.futures import ThreadPoolExecutor
kept = []
---
def work():
    kept.append(1)
---
with ThreadPoolExecutor(1) as pool: pool.submit(work).result()
=== kept == [1]

### task (commit)
import asyncio
kept = []
---
async def work():
    kept.append(1)
---
loop = asyncio.new_event_loop(); loop.run_until_complete(work()); loop.close(); del loop
=== kept == [1]

### library registry by atexit (audit)
import weakref
kept = []
---
class K: pass
k = K()
fin = weakref.finalize(k, kept.append, 1); del fin
---
del k
=== kept == [1]

### library attribute holds a list (audit)
import types as lib
kept = []
---
lib._kept_for_test = kept; del lib
---
import types as t2; t2._kept_for_test.append(1); del t2
=== kept == [1]

### closure in a library (audit)
import functools as lib
kept = []
---
def f():
    kept.append(1)
lib._callback_for_test = f; del f, lib
---
import functools as t2; t2._callback_for_test(); del t2
=== kept == [1]

### generator that ends (commit)
kept = []
---
def gen(k):
    k.append(1)
    yield
g = gen(kept)
---
list(g)
=== kept == [1]

### reference of a library's closure (audit)
import functools as lib
kept = []
---
lib._callback_for_test = lambda k=kept: k.append(1)
del lib
---
import functools as t2; t2._callback_for_test(); del t2
=== kept == [1]
"""


class Case(NamedTuple):
    """One small program."""

    id: str
    by: str
    setup: tuple[str, ...]
    mutate: str
    expect: str


def _case(text: str) -> Case:
    title, _, rest = text.partition("\n")
    code, _, expect = rest.partition("\n=== ")
    name, _, by = title.strip().rpartition(" ")
    *setup, mutate = code.split("\n---\n")
    return Case(name, by.strip("()"), tuple(setup), mutate, expect.strip())


CASES = [_case(text) for text in PROGRAMS.split("### ")[1:]]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Take back what the programs left in libraries."""
    import functools
    import logging
    import sys
    import types

    main, hook, handlers = sys.modules["__main__"], sys.excepthook, list(logging._handlerList)  # type: ignore[attr-defined]
    yield
    sys.modules["__main__"], sys.excepthook = main, hook
    logging._handlerList[:] = handlers  # type: ignore[attr-defined]
    for name in ("nb", "nb2"):
        logging.getLogger(name).handlers.clear()
    for module, name in ((functools, "_callback_for_test"), (types, "_kept_for_test")):
        if hasattr(module, name):
            delattr(module, name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id} ({case.by})")
def test_the_mutation_is_stored(case: Case) -> None:
    """After the commit (or the audit, for those it is said of) a restore shows the mutation."""
    notebook = Notebook()
    for code in case.setup:
        notebook.run(code)
    notebook.audit()
    notebook.run(case.mutate)
    assert not notebook.errors, notebook.errors
    found = notebook.audit() if case.by == AUDIT else ()
    other, report = notebook.restored()
    assert eval(case.expect, other.namespace.dict), (report, found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [c for c in CASES if c.by == AUDIT], ids=lambda case: case.id)
def test_the_audit_is_what_finds_it(case: Case) -> None:
    """What is said to be the audit's is not stored without it, so the table is exact."""
    notebook = Notebook()
    for code in case.setup:
        notebook.run(code)
    notebook.audit()
    notebook.run(case.mutate)
    other, report = notebook.restored()
    assert not report.audited
    assert not eval(case.expect, other.namespace.dict)


def test_there_are_enough_programs() -> None:
    """The table covers at least fifty ways to change a value."""
    assert len({case.id for case in CASES}) >= 50
