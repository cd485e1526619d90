"""A session whose restore, or whose first cell, kills the kernel is not restored for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.kernel import Kernel, wait_for
from helpers.lives import Lives

DIES = """class Bomb:
    def __setstate__(self, state):
        import os
        if os.path.exists(state['trigger']):
            os.kill(os.getpid(), 9)
        self.__dict__.update(state)
    def __getstate__(self):
        return {'trigger': HERE + '/trigger'}
bomb, x = Bomb(), 1"""


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    """A session of this test's own."""
    return Lives(tmp_path)


def die(lives: Lives) -> None:
    """A kernel that restores, and dies in its first cell."""
    with lives.kernel() as kernel:
        lives.die_in(kernel, "import os; os.kill(os.getpid(), 9)")


def begin(lives: Lives) -> None:
    """A session of one variable, whose kernel is killed."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        lives.kill(kernel)


def is_restored(kernel: Kernel) -> bool:
    """Whether the variable of `begin` is there."""
    return kernel.run("'x' in globals()").result == "True"


def test_two_deaths_in_the_first_cell(lives: Lives) -> None:
    """The third start is clean, says so and how to go back; the earlier timeline is there."""
    begin(lives)
    die(lives)
    die(lives)
    with lives.kernel() as kernel:
        result = kernel.run("'x' in globals()")
        assert result.result == "False"
        assert "the last 2 kernels died before their first reply" in result.stderr
        assert "this one begins clean: %checkout 1:1 brings the variables back" in result.stderr
        kernel.run("%checkout 1:1")
        assert kernel.run("x").result == "1"
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert is_restored(kernel)


def test_two_deaths_in_the_restore(tmp_path: Path) -> None:
    """A value that kills the kernel when it is loaded: there is a kernel again at the third start."""
    lives = Lives(tmp_path)
    with lives.kernel() as kernel:
        kernel.run(f"HERE = {str(tmp_path)!r}\n{DIES}")
        lives.kill(kernel)
    (tmp_path / "trigger").touch()
    for _ in range(2):
        lives.dies_at_start()
    with lives.kernel() as kernel:
        assert not is_restored(kernel)


def test_a_reply_between_two_deaths(lives: Lives) -> None:
    """A kernel that lived does not count, and neither do those before it."""
    begin(lives)
    for _ in range(2):
        die(lives)
        with lives.kernel() as kernel:
            assert is_restored(kernel)
            lives.kill(kernel)


@pytest.mark.parametrize("restart", [True, False])
def test_leaving_on_request_is_no_death(lives: Lives, restart: bool) -> None:
    """Restart and shutdown before the first cell: nobody was killed."""
    begin(lives)
    die(lives)
    with lives.kernel() as kernel:
        kernel.shut_down(restart=restart)
    with lives.kernel() as kernel:
        assert is_restored(kernel) is not restart
        assert "died before their first reply" not in kernel.run("1").stderr


def test_leaving_on_request_while_the_restore_hangs(tmp_path: Path) -> None:
    """The kernel is told to leave and cannot in time: it goes all the same, and that is no death."""
    lives = Lives(tmp_path)
    with lives.kernel() as kernel:
        hangs = DIES.replace("os.kill(os.getpid(), 9)", "import time; time.sleep(60)")
        kernel.run(f"HERE = {str(tmp_path)!r}\n{hangs}")
        lives.kill(kernel)
    (tmp_path / "trigger").touch()
    with lives.kernel() as kernel:
        wait_for(lambda: list(lives.home.glob("sessions/*/trial")), "the restore")
        kernel.shut_down()
    assert list(lives.home.glob("sessions/*/trial")) == []
