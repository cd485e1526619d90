"""The command line: who takes part, how the kernels take turns, where the figures go.

It must never measure one kernel's rounds in a row: a slow minute of the machine would be that kernel's alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench import Bench, Sizes
from benchmarks.kernels import Kernel, NoKernel, find
from benchmarks.results import Absent, Results
from benchmarks.sections import SECTIONS
from benchmarks.table import render

DEFAULT_KERNELS = "holdfast,ipykernel,xpython-raw,xpython,akernel"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The options, each with its meaning in `--help`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure kernels side by side.")
    parser.add_argument("--kernels", default=DEFAULT_KERNELS, help="NAME or NAME=KERNELSPEC_FOLDER, ...")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which of these to run")
    parser.add_argument("--rounds", type=int, default=5, help="how often each kernel has its turn")
    parser.add_argument("--quick", action="store_true", help="small counts: nothing to quote")
    parser.add_argument("--json", type=Path, help="write all samples there")
    parser.add_argument("--table", type=Path, help="write the tables there; they are printed as well")
    parser.add_argument("--from-json", type=Path, help="measure nothing, make the tables from these samples")
    options = parser.parse_args(argv)
    unknown = set(options.sections.split(",")) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return options


def main(argv: list[str] | None = None) -> int:
    """Measure and write; 2 when the options do not make sense."""
    options = arguments(argv)
    if options.from_json:
        results = Results.from_json(json.loads(options.from_json.read_text()))
    else:
        # A plain kill must end the kernels too, so let it unwind like Ctrl-C.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            results = measure(options)
        finally:
            signal.signal(signal.SIGTERM, before)
    if options.json and not options.from_json:
        options.json.write_text(json.dumps(results.to_json(), indent=1, ensure_ascii=False) + "\n")
    text = render(results, results.kernels[0])
    if options.table:
        options.table.write_text(text)
    print(text)
    return 0


def measure(options: argparse.Namespace) -> Results:
    """Run all rounds and give back what was found, also when stopped in the middle by Ctrl-C."""
    names = [name.partition("=")[0] for name in options.kernels.split(",")]
    results = Results(names)
    for name in options.sections.split(","):
        for metric in SECTIONS[name].metrics:
            results.declare(metric)
    kernels = present(options, results)
    sizes = Sizes().quick() if options.quick else Sizes()
    results.facts = facts(options)
    loads = [load()]
    scratch = Path(tempfile.mkdtemp(prefix="holdfast-benchmarks-"))
    try:
        for turn in range(options.rounds):
            one_round(turn, kernels, options.sections.split(","), sizes, scratch, results)
            loads.append(load())
    except KeyboardInterrupt:
        results.facts["rounds"] += " planned, then stopped by Ctrl-C"
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    results.facts["load average before and after each round"] = ", ".join(loads)
    return results


def present(options: argparse.Namespace, results: Results) -> list[Kernel]:
    """The kernels that can be had; for the others each row says why not."""
    kernels = []
    for name in options.kernels.split(","):
        label = name.partition("=")[0]
        try:
            kernel = find(name)
        except NoKernel as reason:
            print(f"{label}: {reason}", file=sys.stderr)
            for metric in results.metrics:
                results.record(metric, label, 0, Absent(str(reason)))
        else:
            kernels.append(kernel)
            results.versions[label] = kernel.version
    return kernels


def one_round(
    turn: int, kernels: list[Kernel], sections: list[str], sizes: Sizes, scratch: Path, results: Results
) -> None:
    """Each section with every kernel; who begins moves on by one from section to section."""
    for place, name in enumerate(sections):
        first = (turn * len(sections) + place) % max(1, len(kernels))
        for kernel in kernels[first:] + kernels[:first]:
            started = time.perf_counter()
            Bench(kernel, turn, sizes, scratch, results).section(*SECTIONS[name])
            seconds = time.perf_counter() - started
            print(f"round {turn + 1} {name} {kernel.name}: {seconds:.1f} s", file=sys.stderr, flush=True)


def facts(options: argparse.Namespace) -> dict[str, str]:
    """What a reader must know to judge the figures."""
    return {
        "taken": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "rounds": str(options.rounds) + (" (quick: not to be quoted)" if options.quick else ""),
        "machine": f"{processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load() -> str:
    """The load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"
