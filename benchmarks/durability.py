"""What durability costs: commits of cells in a namespace, and kernels with and without it side by side.

Run as `python -m benchmarks.durability [SECTION ...] [--gigabytes N] [--durability full|process]`; sections: small,
arrays, frame, rows, hub, results, budget, checkout, large, transactions (no kernel around them), warm, flat, start,
memory (see `modes.py`), w1 to w7 (see `workloads.py`), gallery and whole-gallery.  Prints medians in
milliseconds; run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Literal, cast

from benchmarks import modes, workloads
from benchmarks.budget import budget
from benchmarks.checkout import checkout
from benchmarks.gallery import gallery, whole_gallery
from benchmarks.large import large
from benchmarks.transactions import transactions
from holdfast.durable.commit import SessionCommitter
from holdfast.durable.folder import open_session
from holdfast.durable.reports import Cell
from holdfast.durable.restore import Restorer
from holdfast.durable.world import codec
from holdfast.executor.compile import compile_cell
from holdfast.namespace.namespace import Namespace


class Bench:
    """A session in a folder of its own."""

    def __init__(self, durability: str) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="hf-bench-")
        self._durability = cast("Literal['full', 'process']", durability)
        self._open()
        self.unchecked = 0

    def _open(self) -> None:
        self.session = open_session(self._home.name, "bench", self._durability)
        self.namespace = Namespace()
        self.namespace.install()
        self.committer = SessionCommitter(self.namespace, self.session.store, codec())
        self.count = 0

    def run(self, code: str, epoch: int = 0) -> tuple[float, float]:
        """Run a cell; the seconds of the cell and of its commit."""
        self.count += 1
        namespace = self.namespace
        namespace.prepare()
        namespace.begin(self.count, code)
        unit = compile_cell(code, f"<cell {self.count}>")
        start = perf_counter()
        if unit.body is not None:
            exec(unit.body, namespace.dict)
        if unit.last is not None:
            value = eval(unit.last, namespace.dict)
            if value is not None and unit.shows:
                namespace.result(self.count, value)
        middle = perf_counter()
        codes = tuple(one for one in (unit.body, unit.last) if one is not None)
        cell = Cell(self.count, code, codes, unit.tree, seconds=middle - start, epoch=epoch)
        self.committer.commit(cell, self._done)
        return middle - start, perf_counter() - middle

    def _done(self, notes: Mapping[str, object], failed: str) -> None:
        if failed:
            raise RuntimeError(failed)
        self.unchecked += "unchecked" in notes

    def restart(self) -> float:
        """Close, open and restore; the seconds of the restore."""
        self.session.close()
        self._open()
        start = perf_counter()
        Restorer(self.committer, self.session.store, codec()).restore()
        return perf_counter() - start

    def size(self) -> int:
        """Bytes of the store."""
        return self.session.store.size()

    def close(self) -> None:
        """Remove the session."""
        self.session.close()
        self._home.cleanup()


def _ms(values: Sequence[float]) -> str:
    return f"{statistics.median(values) * 1e3:.2f} (max {max(values) * 1e3:.1f})"


def _flat(values: Sequence[float]) -> str:
    """Medians of the fifths of a run."""
    fifth = max(1, len(values) // 5)
    return ", ".join(
        f"{statistics.median(values[i : i + fifth]) * 1e3:.2f}" for i in range(0, len(values) - fifth + 1, fifth)
    )


def small(bench: Bench, gigabytes: float) -> None:
    """1,000 small cells: the cost of a commit must not grow."""
    costs = []
    for i in range(1000):
        k = i % 5
        code = (
            f"x{i} = {i}",
            f"l{i} = [j * j for j in range(30)]",
            f"def f{i}(a, b={i}):\n    return a + b + x{i - 2}",
            f"x{i - 3} += f{i - 1}(1)",
            f"l{i - 3}.append(x{i - 4})",
        )[k]
        costs.append(bench.run(code)[1])
    print(f"small: commit ms {_ms(costs)}; by fifths {_flat(costs)}; store {bench.size() / 1e6:.2f} MB")
    print(
        f"small: restore {bench.restart() * 1e3:.1f} ms; then {_ms([bench.run(f'y{i} = {i}')[1] for i in range(50)])}"
    )


def arrays(bench: Bench, gigabytes: float) -> None:
    """Ten arrays: cells that make, read and change one."""
    per = int(12_500_000 * gigabytes)
    bench.run("import numpy as np")
    make = [bench.run(f"a{i} = np.random.default_rng({i}).random({per})")[1] for i in range(10)]
    stored = bench.size()
    read = [bench.run(f"float(a{i % 10}[{i}] + a{i % 10}[::4096].sum())")[1] for i in range(30)]
    call = [bench.run(f"float(np.sort(a{i % 10}[:1000])[0])")[1] for i in range(10)]
    change = [bench.run(f"a{i % 10}[{i * 12345 % per}] += 1.0")[1] for i in range(20)]
    print(
        f"arrays: {gigabytes} GB; make {_ms(make)}, read {_ms(read)}, read by a call {_ms(call)}, change {_ms(change)}"
    )
    print(f"arrays: stored {(bench.size() - stored) / 20e6:.2f} MB a change, {bench.size() / 1e9:.3f} GB in all")
    print(f"arrays: restore {bench.restart() * 1e3:.1f} ms; unchecked replies {bench.unchecked}")


def frame(bench: Bench, gigabytes: float) -> None:
    """A frame with a column of strings: reads, and a new column."""
    rows = int(2_000_000 * gigabytes)
    bench.run("import numpy as np, pandas as pd")
    make = bench.run(
        f"df = pd.DataFrame({{'a': np.arange({rows}), 'b': np.random.default_rng(1).random({rows}), "
        f"'s': np.array(['red', 'green', 'blue'])[np.arange({rows}) % 3]}})"
    )
    read = [bench.run("df.head();")[1] for _ in range(5)] + [bench.run("float(df['b'].mean())")[1] for _ in range(5)]
    change = [bench.run(f"df['c{i}'] = df['a'] * {i}") for i in range(5)]
    print(f"frame: {rows} rows; make {make[1] * 1e3:.0f}, read {_ms(read)}, new column {_ms([c for _, c in change])}")
    print(f"frame: a column's cell alone {_ms([c for c, _ in change])}; store {bench.size() / 1e6:.0f} MB")


def rows(bench: Bench, gigabytes: float) -> None:
    """500,000 dicts: cells that only read them."""
    count = int(500_000 * gigabytes)
    make = bench.run(f"rows = [{{'a': i, 'b': str(i), 'c': i * 0.5}} for i in range({count})]")
    read = [bench.run("total = sum(r['a'] for r in rows)") for _ in range(5)]
    call = [bench.run("def f(r):\n    return len(r)\nn = f(rows)") for _ in range(5)]
    change = bench.run("rows[5]['a'] = 1")
    by_name, by_call = _ms([c for _, c in read]), _ms([c for _, c in call])
    budget = _ms([max(0.002, 0.05 * c) for c, _ in read])
    print(f"rows: {count} dicts; make {make[1] * 1e3:.0f}, read {by_name}, by a call {by_call}")
    print(f"rows: budget {budget}, change {change[1] * 1e3:.0f}; unchecked {bench.unchecked}")
    start = perf_counter()
    bench.committer.audit(lambda: False)
    print(f"rows: audit {(perf_counter() - start) * 1e3:.0f}")


def hub(bench: Bench, gigabytes: float) -> None:
    """A dict that grows by one array of 1 MB a cell."""
    bench.run("import numpy as np\nmodels = {}")
    costs = [bench.run(f"models['m{i}'] = np.full(125_000, {i}.0)")[1] for i in range(150)]
    print(f"hub: by fifths {_flat(costs)}; store {bench.size() / 1e6:.0f} MB; restore {bench.restart() * 1e3:.1f} ms")


def results(bench: Bench, gigabytes: float) -> None:
    """1,000 displayed frames."""
    bench.run("import pandas as pd, numpy as np\ndf = pd.DataFrame({'a': np.arange(1000), 'b': 1.5})")
    costs = [bench.run("df.head()")[1] for _ in range(1000)]
    print(f"results: by fifths {_flat(costs)}; restore {bench.restart() * 1e3:.1f} ms")


SECTIONS: dict[str, Callable[[Bench, float], None]] = {
    one.__name__: one for one in (small, arrays, frame, rows, hub, results, budget, checkout, large, transactions)
}
#: Those that drive kernels.
DRIVING = {**modes.SECTIONS, **workloads.SECTIONS, "gallery": gallery, "whole-gallery": whole_gallery}


def main() -> None:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS, *DRIVING], default=list(SECTIONS))
    parser.add_argument("--gigabytes", type=float, default=1.0, help="scale of the large values")
    parser.add_argument("--durability", choices=("full", "process"), default="full")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in given.sections:
        if name in DRIVING:
            DRIVING[name](given.gigabytes)
            continue
        bench = Bench(given.durability)
        SECTIONS[name](bench, given.gigabytes)
        bench.close()


if __name__ == "__main__":
    main()
