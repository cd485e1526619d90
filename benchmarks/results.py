"""What was measured: metrics, one value per kernel and round, and the JSON they are kept in.

It must never turn a missing value into a number: what a kernel cannot do is an Absent with the reason.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Absent:
    """A kernel is not there or cannot do a thing; `reason` completes "n/a: ..."."""

    reason: str


# A measured number, an outcome in words, or nothing.
type Value = float | str | Absent


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    `unit` stands in brackets; `compare` says whether a ratio makes sense (smaller is better everywhere).
    """

    key: str
    label: str
    unit: str = "ms"
    compare: bool = True


@dataclass
class Results:
    """Values by metric and kernel, one for each round, in the order of the rounds."""

    kernels: list[str]
    metrics: list[Metric] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, dict[int, Value]]] = field(default_factory=dict)

    def declare(self, metric: Metric) -> None:
        """Give the metric its row; rows stand in the order of declaration."""
        if metric.key not in self.values:
            self.metrics.append(metric)
            self.values[metric.key] = {}

    def record(self, metric: Metric, kernel: str, turn: int, value: Value) -> None:
        """Keep the value of one round; the first one recorded stands."""
        self.declare(metric)
        self.values[metric.key].setdefault(kernel, {}).setdefault(turn, value)

    def of(self, metric: Metric, kernel: str) -> dict[int, Value]:
        """The values of one kernel by round; empty where it was never measured."""
        return self.values.get(metric.key, {}).get(kernel, {})

    def numbers(self, metric: Metric, kernel: str) -> dict[int, float]:
        """The rounds of a kernel that gave a number."""
        return {
            turn: value
            for turn, value in self.of(metric, kernel).items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        }

    def ratios(self, metric: Metric, ours: str, peer: str) -> list[float]:
        """Ours divided by the peer's, round by round: both saw the same minute of the machine."""
        mine, theirs = self.numbers(metric, ours), self.numbers(metric, peer)
        return [mine[turn] / theirs[turn] for turn in sorted(mine) if theirs.get(turn)]

    def to_json(self) -> dict[str, Any]:
        """All samples, so that the table can be made again and other figures taken from them."""
        return {
            "kernels": self.kernels,
            "versions": self.versions,
            "facts": self.facts,
            "metrics": [vars(metric) for metric in self.metrics],
            "values": {
                key: {
                    kernel: {str(turn): _plain(value) for turn, value in sorted(turns.items())}
                    for kernel, turns in kernels.items()
                }
                for key, kernels in self.values.items()
            },
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Results:
        """What `to_json` wrote; KeyError where it is something else."""
        results = cls(list(document["kernels"]))
        results.versions = dict(document["versions"])
        results.facts = dict(document["facts"])
        for entry in document["metrics"]:
            metric = Metric(**entry)
            results.declare(metric)
            for kernel, turns in document["values"][metric.key].items():
                for turn, value in turns.items():
                    results.record(metric, kernel, int(turn), _value(value))
        return results


def _plain(value: Value) -> Any:
    return {"n/a": value.reason} if isinstance(value, Absent) else value


def _value(plain: Any) -> Value:
    return Absent(str(plain["n/a"])) if isinstance(plain, dict) else plain


def percentile(samples: list[float], percent: float) -> float:
    """The smallest sample that at least `percent` per cent of all do not exceed (nearest rank)."""
    ordered = sorted(samples)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def milliseconds(samples: list[float]) -> float:
    """The median of seconds, in milliseconds."""
    return statistics.median(samples) * 1000
