"""Transactions in a real kernel: what is rolled back, what becomes durable when, and what the user is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.kernel import Json, Kernel, Result, Shared
from helpers.lives import Lives


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The module's kernel, which keeps its session."""
    folder = tmp_path_factory.mktemp("transactions")
    environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder / "home")}
    holder = Shared(lambda: Kernel(folder, environment=environment))
    yield holder
    holder.end()


@pytest.fixture
def kernel(shared: Shared) -> Iterator[Kernel]:
    """The module's kernel without variables, idle before and after the test."""
    shared.kernel.run("%transaction commit_always\nimport holdfast")
    yield shared.kernel
    shared.kernel.run("import holdfast\nholdfast.commit()\n%transaction commit_always")
    shared.check()


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    """Kernels of one session."""
    return Lives(tmp_path)


def _said(result: Result) -> Json:
    """What the reply's metadata says of the session."""
    found: Json = result.reply_message.metadata.get("holdfast", {})
    return found


def _line(result: Result) -> str:
    """The line below the error."""
    kind, text = result.shown[-1]
    assert kind in ("display_data", "stderr")
    return text.rstrip("\n")


def test_a_cell_that_fails_is_rolled_back(kernel: Kernel) -> None:
    """Objects and names are as before; the error is shown, then one line; the reply says the same."""
    kernel.run("a = [1]; b = {'a': a}; gone = 1")
    result = kernel.run("%%transaction rollback\na.append(2); new = 1; del gone\n1 / 0")
    assert [kind for kind, _ in result.shown] == ["error", "display_data"]
    assert "line 3" in result.traceback
    assert _line(result) == "Rolled back: a, gone put back; new removed"
    said = _said(result)["rolled_back"]
    assert (said["names"], said["removed"], said["failed"]) == (["a", "gone"], ["new"], [])
    assert kernel.run("a, b['a'] is a, gone").result == "([1], True, 1)"
    assert kernel.run("new").error == "NameError"


def test_where_nobody_sits_the_line_goes_to_stderr(kernel: Kernel) -> None:
    """A client that answers no prompts (a batch run) gets text, a person a display that tells what it is."""
    kernel.run("a = [1]")
    shown = kernel.run("%%transaction\na.clear(); 1 / 0").outputs[-1]
    assert (shown.msg_type, shown.content["metadata"]) == ("display_data", {"holdfast": {"rolled_back": True}})
    batch = kernel.finish(kernel.execute("%%transaction\na.clear(); 1 / 0", allow_stdin=False))
    assert (batch.outputs[0].msg_type, batch.stderr) == ("error", "Rolled back: a put back\n")


def test_a_cell_that_succeeds_is_kept(kernel: Kernel) -> None:
    """Nothing is said of it."""
    kernel.run("a = [1]")
    result = kernel.run("%%transaction rollback_on_failure\na.append(2)\nlen(a)")
    assert (result.result, _said(result), result.stderr) == ("2", {}, "")
    assert kernel.run("a").result == "[1, 2]"


def test_the_count_goes_up_and_no_result_is_left(kernel: Kernel) -> None:
    """A cell that fails after its result was there leaves no Out; the next cell has the next number."""
    kernel.run("class Bad:\n    def __repr__(self): raise KeyboardInterrupt\n5")
    before = kernel.run("_").reply["execution_count"]
    failed = kernel.run("%%transaction\nBad()")
    assert (failed.error, failed.reply["execution_count"]) == ("KeyboardInterrupt", before + 1)
    after = kernel.run(f"{before + 1} in Out, _")
    assert (after.result, after.reply["execution_count"]) == ("(False, 5)", before + 2)


def test_an_interrupted_cell_is_rolled_back(kernel: Kernel) -> None:
    """KeyboardInterrupt is an error like any other."""
    kernel.run("a = [1]")
    result = kernel.start("%%transaction\na.append(2)\nprint('ready')\nwhile True: pass")
    kernel.interrupt()
    assert kernel.finish(result).error == "KeyboardInterrupt"
    assert kernel.run("a").result == "[1]"


@pytest.mark.parametrize(
    "head", ["%%thread\n%%transaction\n", "%%transaction\nimport asyncio; await asyncio.sleep(0)\n"]
)
def test_cells_in_threads_and_with_await_are_rolled_back(head: str, kernel: Kernel) -> None:
    """How a cell runs makes no difference."""
    kernel.run("a = [1]")
    assert kernel.run(f"{head}a.append(2); 1 / 0").error == "ZeroDivisionError"
    assert kernel.run("a").result == "[1]"


def test_a_cell_in_the_background_is_refused(kernel: Kernel) -> None:
    """It would be rolled back with what other cells do meanwhile."""
    result = kernel.run("%%bg\n%%transaction\nnever_bound = 1")
    assert (result.error, "in the background" in result.reply["evalue"]) == ("NotHere", True)
    assert kernel.run("never_bound").error == "NameError"


def test_what_cannot_be_rolled_back_is_refused_before_it_runs(kernel: Kernel) -> None:
    """A generator in reach: the sentence names it, and nothing ran; with best_effort it runs, and is named."""
    kernel.run("g = (i for i in range(9)); a = [1]")
    refused = kernel.run("%%transaction rollback\na.append(next(g))")
    assert refused.error == "TransactionRefused"
    assert "g (a generator): Python cannot save where a generator stands" in refused.reply["evalue"]
    assert kernel.run("a").result == "[1]"
    done = kernel.run("%%transaction rollback best_effort\na.append(next(g)); 1 / 0")
    assert _line(done) == "Rolled back: a put back; g (a generator) could not be"
    assert kernel.run("a, next(g)").result == "([1], 1)"


def test_an_object_of_c_code_is_replaced(kernel: Kernel) -> None:
    """What keeps its state to itself is made again as it was, and named."""
    kernel.run("it = iter([1, 2, 3]); next(it); a = [1]")
    result = kernel.run("%%transaction\na.append(next(it)); 1 / 0")
    assert _line(result) == "Rolled back: a put back; it replaced"
    assert kernel.run("next(it), a").result == "(2, [1])"


def test_an_unknown_policy_is_refused(kernel: Kernel) -> None:
    """The sentence lists those there are, and nothing ran."""
    result = kernel.run("%%transaction rollbck\nnever_bound = 1")
    assert (result.error, "rollback_on_failure" in result.reply["evalue"]) == ("UnknownPolicy", True)
    assert kernel.run("never_bound").error == "NameError"


def test_the_policy_of_the_session(kernel: Kernel) -> None:
    """`%transaction POLICY` is for the cells that follow; alone it says how things stand."""
    assert kernel.run("%transaction").stdout == "transactions: commit_always; everything is committed\n"
    kernel.run("%transaction rollback_on_failure\na = [1]")
    assert _line(kernel.run("a.append(2); 1 / 0")) == "Rolled back: a put back"
    assert kernel.run("%%transaction commit_always\na.append(3); 1 / 0").stderr == ""
    assert kernel.run("a").result == "[1, 3]"


def test_explicit_cells_wait_for_a_commit(kernel: Kernel) -> None:
    """Each reply names the cells that are not durable; a commit ends it; the policy cannot change before."""
    kernel.run("%transaction explicit\na = [1]")
    one = kernel.run("a.append(2)")
    count = one.reply["execution_count"]
    assert _said(one) == {"uncommitted": [count]}
    assert _said(kernel.run("b = 1")) == {"uncommitted": [count, count + 1]}
    assert kernel.run("%transaction commit_always").error == "TransactionOpen"
    committed = kernel.run("%transaction commit")
    assert (committed.stdout, _said(committed)) == ("transactions: explicit; everything is committed\n", {})
    assert _said(kernel.run("%transaction commit_always")) == {}


def test_explicit_cells_are_rolled_back_together(kernel: Kernel) -> None:
    """Back to the last commit, whatever the cells were; what they showed stays, their results are gone."""
    kernel.run("a = [1]; f = None\n%transaction explicit")
    kernel.run("a.append(2); f = a")
    kernel.run("f.append(3)\n7 * 7")
    result = kernel.run("%transaction rollback")
    assert (result.stdout, _said(result)) == ("Rolled back: a, f put back\n", {})
    assert kernel.run("a, f, 49 in Out.values()").result == "([1], None, False)"


def test_a_failing_cell_within_an_explicit_transaction(kernel: Kernel) -> None:
    """`%%transaction rollback` in it is a savepoint: what came before stays, and stays uncommitted."""
    kernel.run("a = [1]\n%transaction explicit")
    first = kernel.run("a.append(2)").reply["execution_count"]
    failed = kernel.run("%%transaction rollback\na.append(3); 1 / 0")
    assert (_line(failed), _said(failed)["uncommitted"]) == ("Rolled back: a put back", [first])
    assert kernel.run("a").result == "[1, 2]"
    kernel.run("holdfast.rollback()")
    assert kernel.run("a").result == "[1]"


def test_a_block_is_rolled_back_when_it_fails(kernel: Kernel) -> None:
    """The exception goes on, with a note; the handle says what was done, and stays in its variable."""
    kernel.run("a = [1]; t = 5")
    result = kernel.run("with holdfast.transaction() as t:\n    a.append(2); new = 1\n    1 / 0")
    assert result.error == "ZeroDivisionError"
    assert "Rolled back: a put back; new removed" in result.traceback
    assert kernel.run("a, t, t.rolled_back.removed").result == (
        "([1], <transaction rollback_on_failure, rolled back>, ('new',))"
    )


def test_blocks_within_blocks_are_savepoints(kernel: Kernel) -> None:
    """An inner block that fails undoes itself only; the outer one undoes both."""
    code = """\
a, seen = [1], []
try:
    with holdfast.transaction() as outer:
        a.append(2)
        try:
            with holdfast.transaction():
                a.append(3)
                raise KeyError
        except KeyError:
            print(a)
        with holdfast.transaction() as kept:
            a.append(4)
        print(a)
        raise ValueError
except ValueError:
    print(a, outer.status, kept.status)
"""
    result = kernel.run(code)
    assert (result.stdout, result.traceback) == ("[1, 2]\n[1, 2, 4]\n[1] rolled back kept\n", "")


def test_an_explicit_block_keeps_what_it_commits(kernel: Kernel) -> None:
    """Leaving it undoes what came after the last `t.commit()`; `t.rollback()` goes on."""
    code = """\
a = [1]
with holdfast.transaction('explicit') as t:
    a.append(2)
    t.commit()
    a.append(3)
    t.rollback()
    print(a)
    a.append(4)
print(a, t.status)
"""
    assert kernel.run(code).stdout == "[1, 2]\n[1, 2] rolled back\n"


def test_a_block_in_a_function(kernel: Kernel) -> None:
    """What its variables and arguments lead to is put back; the variables themselves are the function's own."""
    code = """\
def outer(box):
    count, local = 0, []
    try:
        with holdfast.transaction():
            count += 1
            local.append(1); box.append(2)
            raise ValueError
    except ValueError:
        return count, local, box
"""
    kernel.run(code)
    assert kernel.run("outer([1])").result == "(1, [], [1])"


def test_async_with(kernel: Kernel) -> None:
    """The same with `await` in the block."""
    code = """\
import asyncio
a = [1]
async def work():
    async with holdfast.transaction() as t:
        a.append(2)
        await asyncio.sleep(0)
        raise ValueError
try:
    await work()
except ValueError:
    print(a)
"""
    assert kernel.run(code).stdout == "[1]\n"


def test_outside_of_a_transaction(kernel: Kernel) -> None:
    """`rollback()` without one says why; `commit()` has nothing to wait for."""
    failed = kernel.run("holdfast.rollback()")
    assert (failed.error, "nothing to go back to" in failed.reply["evalue"]) == ("NoTransaction", True)
    assert kernel.run("holdfast.commit()").error is None
    assert kernel.run("holdfast.transaction().commit()").error == "OutsideTransaction"


def test_without_durability_memory_is_rolled_back(tmp_path: Path) -> None:
    """Nothing is kept, and cells and explicit transactions are rolled back all the same."""
    with Kernel(tmp_path, environment={"HOLDFAST_DURABILITY": "off"}) as kernel:
        kernel.run("a = [1]")
        assert _line(kernel.run("%%transaction\na.append(2); 1 / 0")) == "Rolled back: a put back"
        kernel.run("%transaction explicit")
        kernel.run("a.append(3)")
        assert kernel.run("%transaction rollback").stdout == "Rolled back: a put back\n"
        assert kernel.run("a").result == "[1]"


def test_nothing_uncommitted_survives_a_kill(lives: Lives) -> None:
    """The next kernel has what was committed, the inputs, the policy, and says which cells are not there."""
    with lives.kernel() as kernel:
        kernel.run("a = [1]\n%transaction explicit")
        kernel.run("a.append(2)")
        kernel.run("%transaction commit")
        kernel.run("a.append(3); b = 1; a")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        result = kernel.run("a, 'b' in globals(), In[4], 4 in Out")
        assert result.result == "([1, 2], False, 'a.append(3); b = 1; a', False)"
        assert "cell [4] was not committed before the kernel ended" in result.shown[0][1]
        assert result.reply["execution_count"] == 5
        assert kernel.run("%transaction").stdout.startswith("transactions: explicit")


def test_a_clean_end_commits_nothing_either(lives: Lives) -> None:
    """Shutting down is no commit."""
    with lives.kernel() as kernel:
        kernel.run("a = [1]\n%transaction explicit")
        kernel.run("a.append(2)")
    with lives.kernel() as kernel:
        assert kernel.run("a").result == "[1]"


def test_commit_on_success_keeps_a_failure_in_memory_only(lives: Lives) -> None:
    """After an error the values are there to be looked at, and a kill goes back; the next success takes them in."""
    with lives.kernel() as kernel:
        kernel.run("a = [1]; b = 0\n%transaction commit_on_success")
        kernel.run("a.append(2)")
        assert _said(kernel.run("a.append(3); 1 / 0")) == {"uncommitted": [3]}
        assert kernel.run("print(a); 1 / 0").stdout == "[1, 2, 3]\n"
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert kernel.run("a").result == "[1, 2]"
        kernel.run("a.append(4); 1 / 0")
        assert _said(kernel.run("b = 1")) == {}
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert kernel.run("a, b").result == "([1, 2, 4], 1)"


def test_blocks_are_durable_before_their_cell_ends(lives: Lives) -> None:
    """A kill behind a block that committed: its changes are there, those after it are not."""
    code = """\
import holdfast, os
with holdfast.transaction('commit_on_success'):
    a.append(2)
with holdfast.transaction('explicit') as t:
    a.append(3)
    t.commit()
    a.append(4)
a.append(5)
holdfast.commit()
a.append(6)
os._exit(1)
"""
    with lives.kernel() as kernel:
        kernel.run("a = [1]")
        lives.die_in(kernel, code)
    with lives.kernel() as kernel:
        assert kernel.run("a").result == "[1, 2, 3, 5]"
