"""The cells of the workloads W1 to W7; it must never run them.

Checks are expressions: what a kernel that ran the cells once says is what a restored one has to say, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Workload:
    """Cells to run, parts of them to time on their own, and what to ask afterwards."""

    name: str
    cells: Sequence[str]
    parts: Mapping[str, slice] = field(default_factory=dict)
    checks: Sequence[str] = ()
    #: An expression: the bytes of the final state.
    state: str = ""
    #: Cells in a row before the next kernel has its turn.
    turn: int = 10


_CLASS = """class C{0}:
    z = {0}

    def __init__(self, v):
        self.v = v

    def get(self):
        return self.v + self.z"""


def small(count: int = 1000) -> Workload:
    """W1: small cells that make, call and change scalars, containers, functions, classes."""
    cells = []
    for i in range(count):
        base = i - i % 8
        cells.append(
            (
                f"x{i} = {i} * 3 + 1",
                f"l{i} = [j * j for j in range(30)]\nd{i} = {{f'k{{j}}': j for j in range(20)}}",
                f"def f{i}(a, b={i}):\n    return a + b + x{base}",
                _CLASS.format(i),
                f"o{i} = C{base + 3}(f{base + 2}(1))\no{i}.get()",
                f"l{base + 1}.append(x{base})\nd{base + 1}['more'] = len(l{base + 1})",
                f"print(sum(l{base + 1}), d{base + 1}['more'])",
                f"x{base} += 1\no{base + 4}.v = x{base}\nt{i} = (x{base}, frozenset(l{base + 1}))",
            )[i % 8]
        )
    last = count - count % 8 - 8
    checks = ["sum(v for n, v in globals().items() if n[0] == 'x' and n[1:].isdigit())", f"o{last + 4}.get()"]
    checks += [f"f{last + 2}(1)", f"t{last + 7}", f"type(o{last + 4}) is C{last + 3}", f"d{last + 1}"]
    return Workload("W1 small cells", cells, {"all": slice(0, count)}, checks)


def arrays(gigabytes: float) -> Workload:
    """W2: ten arrays; cells that make one, read one, change an element of one."""
    per = int(12_500_000 * gigabytes)
    cells = ["import numpy as np"]
    cells += [f"a{i} = np.random.default_rng({i}).random({per})" for i in range(10)]
    cells += [f"float(a{i % 10}[{i * 1000 % per}] + a{i % 10}[::4096].sum())" for i in range(50)]
    cells += [f"a{i % 10}[{i * 12345 % per}] += 1.0" for i in range(20)]
    parts = {"make": slice(1, 11), "read": slice(11, 61), "modify": slice(61, 81)}
    return Workload("W2 arrays", cells, parts, [f"float(a{i}.sum())" for i in range(10)], f"{per} * 80", turn=5)


def table(gigabytes: float) -> Workload:
    """W3: a frame of ten columns, forty cells that clean it and add features."""
    rows = int(2_000_000 * gigabytes)
    cells = [
        "import numpy as np, pandas as pd\nrng = np.random.default_rng(7)",
        f"n = {rows}",
        (
            "df = pd.DataFrame({'id': np.arange(n), 'a': rng.random(n), 'b': rng.normal(size=n), "
            "'c': rng.integers(0, 100, n), 'd': rng.integers(0, 5, n), "
            "'cat': np.array(['red', 'green', 'blue', 'teal'])[rng.integers(0, 4, n)], 'e': rng.random(n), "
            "'f': rng.random(n).astype('f4'), 'g': rng.random(n) > 0.5, "
            "'ts': np.datetime64('2024-01-01') + rng.integers(0, 31536000, n).astype('m8[s]')})"
        ),
        *_FEATURES.strip().splitlines(),
    ]
    checks = [
        "df.shape",
        "float(df.pn.sum())",
        "list(df.columns)",
        "float(w.sum())",
        "acc",
        "len(top)",
        "norm(top.b).max()",
    ]
    state = "int(df.memory_usage(deep=True).sum()) + X.nbytes + y.nbytes + pred.nbytes"
    return Workload("W3 frame", cells, {"all": slice(3, len(cells))}, checks, state, turn=1)


_FEATURES = """
df.head()
df.describe()
df.dtypes
df.loc[::97, 'a'] = np.nan
df['a'].isna().sum()
df['a'] = df['a'].fillna(df['a'].median())
df['ab'] = df['a'] * df['b']
df['month'] = df['ts'].dt.month
df['cat'] = df['cat'].astype('category')
by_cat = df.groupby('cat', observed=True)['b'].agg(['mean', 'std', 'count'])
by_cat
df = df[df['c'] < 95]
len(df)
df['blog'] = np.log1p(df['b'].abs())
mean_b = float(df['b'].mean()); std_b = float(df['b'].std())
df['bz'] = (df['b'] - mean_b) / std_b
df.drop(columns=['g'], inplace=True)
df.rename(columns={'e': 'e_raw'}, inplace=True)
top = df.nlargest(100, 'bz')
top.head()
monthly = df.groupby('month')['ab'].sum()
monthly.max()
df['bin'] = pd.cut(df['a'], 10, labels=False)
pivot = df.pivot_table(index='month', columns='d', values='a')
pivot.shape
corr = df[['a', 'b', 'c', 'ab']].corr()
corr.round(2)
sample = df.sample(1000, random_state=1)
sample['z'] = 1
X = df[['a', 'b', 'c', 'bz']].to_numpy()
y = (df['ab'] > 0).to_numpy()
w = np.linalg.lstsq(X, y.astype(float), rcond=None)[0]
pred = X @ w
acc = float(((pred > .5) == y).mean())
acc
df['pred'] = pred
df.loc[df['pred'] > 1, 'pred'] = 1.0
norm = lambda s: (s - s.min()) / (s.max() - s.min())
df['pn'] = norm(df['pred'])
"""


_CLOSURE = """def make():
    count = [0]

    def inc():
        count[0] += 1
        return count[0]

    return inc, lambda: count


inc, get = make()"""


def sharing() -> Workload:
    """W4: names for one object, cycles, views, closures, bound methods: is identity there afterwards?"""
    cells = [
        "shared = {'n': 0}\nl1 = [shared, 1]\nl2 = [shared, 2]\nl3 = l1",
        "shared['n'] += 1\nl3.append('late')",
        "class Node:\n    def __init__(self, name):\n        self.name, self.kids, self.parent = name, [], None",
        "root, kid = Node('root'), Node('kid')\nroot.kids.append(kid)\nkid.parent = root\nnodes = {'kid': kid}",
        _CLOSURE,
        "inc()\ninc()\ncnt = get()\nadd, init = root.kids.append, root.__init__",
        "import numpy as np\nbase = np.zeros(1000)\nview = base[10:20]",
        "view[0] = 7.0\ncycle = []\ncycle.append(cycle)\nAlias = Node\nkid.kids.append(Alias('grand'))",
        "counter = 0\n\n\ndef bump():\n    global counter\n    counter += 1\n    return counter",
        "bump()\nfunctions = [bump, lambda: shared]",
        "from collections import defaultdict\ngrouped = defaultdict(list)\ngrouped['x'].append(shared)",
    ]
    checks = [
        "l1[0] is l2[0] is shared", "l3 is l1", "root.kids[0] is kid is nodes['kid']", "kid.parent is root",
        "type(root) is Node is Alias", "cnt is get()", "add.__self__ is root.kids", "init.__self__ is root",
        "np.shares_memory(base, view)", "float(base[10])", "cycle[0] is cycle", "functions[0] is bump",
        "functions[1]() is shared", "bump.__globals__ is globals()", "grouped['x'][0] is shared", "shared, l1, counter",
        "inc(), cnt[0]", "bump(), counter", "shared.update(n=99), l2[0]['n']", "base.fill(3), float(view[0])",
        "Node('q').name",
    ]  # fmt: skip
    return Workload("W4 sharing", cells, {"all": slice(0, len(cells))}, checks)


def mixed() -> Workload:
    """W5: what cannot be pickled beside what can; a file counts how often the cells ran."""
    cells = [
        "import asyncio, itertools, random, socket, sqlite3, threading\nbefore = {'ok': 1}",
        "with open('ran.txt', 'a') as log:\n    _ = log.write('once\\n')",
        "with open('lines.txt', 'w') as lines:\n    _ = lines.write('line\\n' * 100)",
        "fh = open('lines.txt')\n_ = fh.readline()",
        "def gen():\n    yield from range(10)\n\n\ng = gen()\nnext(g)\nafter_gen = 'g'",
        "it = iter([1, 2, 3])\nnext(it)\nchain = itertools.count(5)\nnext(chain)",
        "lock, rlock = threading.Lock(), threading.RLock()\nholder = {'good': 1, 'bad': lock}",
        "con = sqlite3.connect('rows.db')\n_ = con.execute('create table if not exists t(a)')\nafter_db = {'rows': 10}",
        "event = threading.Event()\nthread = threading.Thread(target=event.wait, daemon=True)\nthread.start()",
        "task = asyncio.ensure_future(asyncio.sleep(3600))\nsock = socket.socket()",
        "rng = random.Random(5)\nfirst = rng.random()",
        "import dataclasses, enum, functools\n\n\nclass Color(enum.Enum):\n    RED = 1\n\n\ncol = Color.RED",
        "@dataclasses.dataclass\nclass P:\n    a: int\n    b: list\n\n\np = P(1, [2])",
        "@functools.lru_cache\ndef fib(k):\n    return k if k < 2 else fib(k - 1) + fib(k - 2)\n\n\nfib30 = fib(30)",
        "part, exc = functools.partial(max, 3), ValueError('x')\nlast = 'the end'",
    ]
    checks = [
        "open('ran.txt').read()", "before, after_gen, after_db, first, last", "fh.readline(), fh.tell()", "next(it)",
        "next(chain)", "holder['bad'] is lock", "lock.acquire(False)",
        "con.execute('select count(*) from t').fetchone()",
        "rng.random()", "col is Color.RED", "p, type(p) is P", "fib30, fib(6)", "part(2)", "repr(exc)",
    ]  # fmt: skip
    return Workload("W5 unpicklable", cells, {"all": slice(0, len(cells))}, checks)


def results() -> Workload:
    """W6: a dict of 100 arrays, then 1,000 displayed frames."""
    cells = ["import numpy as np, pandas as pd\nmodels = {}\ndf = pd.DataFrame({'a': np.arange(1000), 'b': 1.5})"]
    cells += [f"models['m{i}'] = np.full(125_000, {i}.0)" for i in range(100)]
    cells += ["df.head()"] * 1000
    checks = ["len(models), float(models['m99'][5])", "len(Out), sum(v.shape[0] for v in list(Out.values())[-50:])"]
    return Workload("W6 results", cells, {"arrays": slice(1, 101), "frames": slice(101, 1101)}, checks[:1])
