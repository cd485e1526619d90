"""The benchmark measures what it says, shown on a bare kernel over real sockets; no figure is asserted."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from benchmarks.bare import BareKernel
from benchmarks.bench import Bench, Sizes
from benchmarks.cli import arguments, main, present
from benchmarks.client import KernelDied, RawClient, Unanswered, connected, execute_content
from benchmarks.kernels import Kernel, NoKernel, find
from benchmarks.process import descendants, new_connection
from benchmarks.results import Absent, Metric, Results, percentile
from benchmarks.sections import output, warm
from benchmarks.table import cell, render, short
from benchmarks.wire import Json

SIZES = Sizes(cells=5, pipelined=20, lines=300)
FAST = Metric("fast", "a fast thing")


@contextmanager
def bare(lose_every: int = 0) -> Iterator[tuple[Json, BareKernel]]:
    """A bare kernel that serves in a thread of this process, and its connection."""
    connection = new_connection("bare")
    kernel = BareKernel(connection, lose_every=lose_every)
    stop = threading.Event()
    thread = threading.Thread(target=kernel.serve, args=(stop,))
    thread.start()
    try:
        yield connection, kernel
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A turn of the first round whose results can be read back with `taken`."""
    return Bench(Kernel("bare", ("unused",), "bare 0"), 0, SIZES, tmp_path, Results(["bare"]))


def test_a_round_trip_is_timed_from_send_to_the_later_of_reply_and_idle() -> None:
    """A cell's time covers its reply and its idle status, and both are positive."""
    with bare() as (connection, _), connected(connection) as client:
        exchange = client.execute("1+1").require()
    assert 0 < exchange.reply_seconds <= exchange.seconds
    assert exchange.idle_at is not None
    assert [message.type for message in exchange.published] == ["status", "status"]


def test_text_is_put_together_in_the_order_it_came() -> None:
    """The text of an exchange is what the cell printed."""
    with bare() as (connection, _), connected(connection) as client:
        assert client.execute("print('a')\nprint('b')").text() == "a\nb\n"


def test_a_failing_cell_gives_its_reason() -> None:
    """A cell that raises is refused with the error's name."""
    with bare() as (connection, _), connected(connection) as client:
        exchange = client.execute("1/0")
        with pytest.raises(Unanswered, match="ZeroDivisionError: division by zero"):
            exchange.require()


@pytest.mark.parametrize(("lose_every", "lost", "order"), [(0, 0, "in order"), (100, 3, "lines lost")])
def test_lost_lines_are_counted(bench: Bench, lose_every: int, lost: int, order: str) -> None:
    """A kernel that drops each hundredth line is found out, one that drops none is not accused."""
    with bare(lose_every) as (connection, _), connected(connection) as client:
        output.lines(bench, client)
    assert bench.taken(output.LINES_LOST) == lost
    assert bench.taken(output.LINES_ORDER) == order
    assert bench.taken(output.LINES_MESSAGES) == SIZES.lines - lost


def test_pipelined_cells_are_all_awaited(bench: Bench) -> None:
    """Twenty requests sent at once give one time per cell and the order of the replies."""
    with bare() as (connection, _), connected(connection) as client:
        warm.pipelined(bench, client)
    time = bench.taken(warm.PIPELINED)
    assert isinstance(time, float)
    assert time > 0
    assert bench.taken(warm.IN_ORDER) == "in order"


def test_a_cell_that_should_fail_and_does_not_is_no_figure() -> None:
    """Errors are timed only where the expected error came."""
    with (
        bare() as (connection, _),
        connected(connection) as client,
        pytest.raises(Unanswered, match="outcome ok"),
    ):
        warm.failures(client, "1", 1)


def test_a_wrong_key_is_rejected_by_the_other_side() -> None:
    """Messages are really signed: a client with another key is not answered."""
    with bare() as (connection, kernel):
        client = RawClient({**connection, "key": "another"})
        try:
            with pytest.raises(Unanswered, match="kernel_info_request not answered"):
                client.ask("kernel_info_request", {}, timeout=0.3)
        finally:
            client.close()
    assert kernel.rejected == 1


def test_a_dead_kernel_is_not_waited_for() -> None:
    """The wait for an answer ends when the process is gone."""
    client = RawClient(new_connection("nobody"), alive=lambda: False)
    try:
        exchange = client.send("execute_request", execute_content("1+1"))
        with pytest.raises(KernelDied):
            client.follow(exchange, 30.0)
    finally:
        client.close()


def test_every_row_of_a_section_has_a_value_or_a_reason(bench: Bench) -> None:
    """What a section did not come to record says why."""

    def run(bench: Bench) -> None:
        raise Unanswered("no reply")

    bench.section((FAST,), run)
    assert bench.taken(FAST) == Absent("no reply")


def test_an_unknown_kernel_is_reported_in_every_row() -> None:
    """A peer that cannot be had is n/a with the reason, and the run goes on without it."""
    results = Results(["nonesuch"])
    results.declare(FAST)
    assert present(arguments(["--kernels", "nonesuch"]), results) == []
    value = results.of(FAST, "nonesuch")[0]
    assert isinstance(value, Absent)
    assert "no kernel of this name" in value.reason


def test_a_kernelspec_folder_is_a_kernel(tmp_path: Path) -> None:
    """`NAME=FOLDER` starts the command line of that kernelspec."""
    spec = {"argv": ["/bin/python", "{resource_dir}/k.py", "{connection_file}"], "env": {"A": "1"}}
    (tmp_path / "kernel.json").write_text(json.dumps(spec))
    kernel = find(f"mine={tmp_path}")
    assert kernel.command("c.json") == ["/bin/python", f"{tmp_path}/k.py", "c.json"]
    assert kernel.env == {"A": "1"}
    with pytest.raises(NoKernel, match="cannot read"):
        find(f"mine={tmp_path / 'gone'}")


def test_ratios_are_taken_round_by_round() -> None:
    """Each round of ours is divided by the peer's same round; rounds that one of them lacks are left out."""
    results = Results(["ours", "peer"])
    for turn, (mine, theirs) in enumerate([(2.0, 4.0), (9.0, 3.0)]):
        results.record(FAST, "ours", turn, mine)
        results.record(FAST, "peer", turn, theirs)
    results.record(FAST, "ours", 2, 1.0)
    results.record(FAST, "peer", 2, Absent("kernel died"))
    assert results.ratios(FAST, "ours", "peer") == [0.5, 3.0]


def test_results_survive_json() -> None:
    """The table made from the samples file is the table of the run."""
    results = Results(["ours", "peer"])
    results.facts = {"rounds": "2"}
    results.record(FAST, "ours", 0, 1.5)
    results.record(FAST, "ours", 1, "in order")
    results.record(FAST, "peer", 0, Absent("not there"))
    again = Results.from_json(json.loads(json.dumps(results.to_json())))
    assert render(again, "ours") == render(results, "ours")
    assert "| a fast thing [ms] | **1.50**; in order ×1 | n/a: not there |" in render(again, "ours")


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1.0, 3.0, 2.0], "**2** (1–3)"),
        ([0.5], "**0.500**"),
        ([Absent("kernel died"), 4.0], "**4**; n/a: kernel died ×1"),
        ([Absent("no | here"), Absent("no | here")], "n/a: no \\| here"),
        ([], "n/a: not measured"),
    ],
)
def test_a_cell_of_the_table_hides_no_failure(values: list[float | str | Absent], shown: str) -> None:
    """Numbers are summed up, outcomes are listed, rounds that disagree are counted."""
    assert cell(values) == shown


@pytest.mark.parametrize(("number", "shown"), [(0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")])
def test_numbers_have_three_digits(number: float, shown: str) -> None:
    """Figures are not more exact than they are."""
    assert short(number) == shown


@pytest.mark.parametrize(("percent", "expected"), [(50, 2.0), (99, 4.0), (1, 1.0)])
def test_percentiles_are_samples(percent: float, expected: float) -> None:
    """The nearest-rank percentile is one of the samples."""
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_an_unknown_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt section is exit code 2 and names the ones there are."""
    with pytest.raises(SystemExit) as refusal:
        main(["--sections", "strat"])
    assert refusal.value.code == 2
    assert "no section strat; there are start, warm" in capsys.readouterr().err


def test_a_run_measures_a_process_writes_its_files_and_leaves_nothing(tmp_path: Path) -> None:
    """One round of cold starts of the bare kernel gives samples and a table, and no process outlives it."""
    before = set(descendants(os.getpid()))
    samples, table = tmp_path / "out.json", tmp_path / "out.md"
    options = ["--kernels", "bare", "--sections", "start", "--quick", "--rounds", "1"]
    assert main([*options, "--json", str(samples), "--table", str(table)]) == 0
    values = json.loads(samples.read_text())["values"]
    assert 0 < values["start.info"]["bare"]["0"] <= values["start.first"]["bare"]["0"]
    assert values["start.cpu"]["bare"]["0"] > 0
    assert "cold start: spawn → kernel_info_reply [ms]" in table.read_text()
    assert set(descendants(os.getpid())) <= before
