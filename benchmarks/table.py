"""Results as Markdown: figures and ratios; it must never hide that a kernel failed in some of the rounds."""

from __future__ import annotations

import statistics
from collections import Counter

from benchmarks.results import Absent, Metric, Results, Value


def render(results: Results, ours: str) -> str:
    """Facts of the run, the figures, and the ratios of `ours` against each other kernel."""
    facts = [f"* {name}: {value}" for name, value in results.facts.items()]
    parts = ["\n".join(facts), "## Figures\n\nMedian (min–max) over rounds.\n\n" + _figures(results)]
    if ours in results.kernels and len(results.kernels) > 1:
        explained = f"`{ours}` divided by the peer, pair by pair: median (min–max); below 1 `{ours}` is better."
        parts.append(f"## Ratios\n\n{explained}\n\n" + _ratios(results, ours))
    return "\n\n".join(parts) + "\n"


def _figures(results: Results) -> str:
    heads = [results.versions.get(name, name) for name in results.kernels]
    rows = [
        [f"{metric.label} [{metric.unit}]" if metric.unit else metric.label]
        + [cell(list(results.of(metric, name).values())) for name in results.kernels]
        for metric in results.metrics
    ]
    return _markdown(["metric", *heads], rows)


def _ratios(results: Results, ours: str) -> str:
    peers = [name for name in results.kernels if name != ours]
    rows = []
    for metric in results.metrics:
        if not metric.compare:
            continue
        rows.append([metric.label] + [_ratio(results, metric, ours, peer) for peer in peers])
    return _markdown(["metric", *(f"vs {peer}" for peer in peers)], rows)


def _ratio(results: Results, metric: Metric, ours: str, peer: str) -> str:
    ratios = results.ratios(metric, ours, peer)
    if ratios:
        return spread(ratios)
    return "–" if results.numbers(metric, ours) else f"– ({ours} has no figure)"


def cell(values: list[Value]) -> str:
    """One cell of the table: the spread of the numbers, then each outcome in words with its count."""
    numbers = [v for v in values if isinstance(v, (int, float))]
    others = [value for value in values if not isinstance(value, (int, float))]
    words = Counter(f"n/a: {value.reason}" if isinstance(value, Absent) else value for value in others)
    parts = [spread(numbers)] if numbers else []
    for text, count in words.most_common():
        # A count is needed only where the rounds disagree.
        parts.append(text if count == len(values) else f"{text} ×{count}")
    return _escaped("; ".join(parts)) if parts else "n/a: not measured"


def spread(numbers: list[float]) -> str:
    """Median in bold, then the range where there is one."""
    low, high = short(min(numbers)), short(max(numbers))
    middle = f"**{short(statistics.median(numbers))}**"
    return middle if low == high else f"{middle} ({low}–{high})"


def short(number: float) -> str:
    """Three significant digits, whole numbers above 1000 and for counts."""
    if number == int(number) or abs(number) >= 1000:
        return f"{number:.0f}"
    digits = 3 if abs(number) < 0.9995 else 2 if abs(number) < 9.995 else 1
    return f"{number:.{digits}f}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
