"""What a magic may ask of the kernel whose cell it stands in.

It must never be more than a magic needs: whoever reads this knows all that a magic can do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from holdfast.magics.options import Options
from holdfast.magics.registry import CellMagic, LineMagic, Magics, WrapperMagic
from holdfast.namespace.namespace import Namespace

__all__ = ["CellMagic", "History", "Kernel", "LineMagic", "Shelf", "WrapperMagic"]


class History(Protocol):
    """What was run, as far as magics read it."""

    @property
    def session(self) -> int:
        """The number of this session."""

    def request(
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int,
        start: int | None,
        stop: int | None,
        n: int | None,
        pattern: str | None,
        unique: bool,
    ) -> list[Any]: ...


class Shelf(Protocol):
    """Bytes that all sessions of a person share, by name; nobody else can put any there."""

    def put(self, name: str, data: bytes) -> None:
        """Keep them, in place of others of that name."""

    def get(self, name: str) -> bytes | None:
        """Those of that name.  StoreError: they are not ours."""

    def names(self) -> list[str]:
        """All names, in order."""

    def drop(self, name: str) -> bool:
        """Forget them; whether there were any."""


class Kernel(Protocol):
    """The kernel, from inside a cell.  Every method belongs to the thread of that cell."""

    @property
    def namespace(self) -> dict[str, Any]:
        """The user's variables."""

    @property
    def scope(self) -> Namespace:
        """They and the names that the kernel adds to them: results, inputs."""

    @property
    def shelf(self) -> Shelf:
        """What `%store` keeps."""

    @property
    def configurables(self) -> dict[str, object]:
        """What `%config NAME.option` reads and sets, by name: any object with attributes."""

    @property
    def magics(self) -> Magics:
        """All magics."""

    @property
    def options(self) -> Options:
        """What `%config` and its kin set."""

    @property
    def history(self) -> History:
        """What was run."""

    @property
    def formatters(self) -> Any:
        """Turns values into MIME bundles: `output.formatters.Formatters`."""

    @property
    def last_error(self) -> BaseException | None:
        """The exception of the last cell that failed."""

    def run(self, code: str, *, filename: str = "", line: int = 1) -> object:
        """Run `code` in the user's namespace as a part of the running cell: its last expression's value.

        Magics in it are lowered; what it binds is committed with the cell; exceptions come through.  `filename`
        and `line` (the first one's number) are for tracebacks; without a file name they quote `code` itself.
        CellError: it uses `await` at top level (see `run_async`).
        """

    def run_async(self, code: str, *, filename: str = "", line: int = 1) -> Awaitable[object]:
        """As `run`, for code that may use `await` at top level."""

    def touched(self, *names: str) -> None:
        """Tell that these variables were bound, deleted or changed by the magic itself; with none: any may have been.

        Without it the commit of the cell, which looks at what the cell's own code mentions, does not see them.
        """

    def ran(self, code: str) -> None:
        """Tell that the magic itself ran this code on the user's variables: the commit looks at what it can change."""

    def interruptible[F: Callable[..., Any]](self, function: F) -> F:
        """Mark a call of ours in which an interrupt is raised as in the cell: it runs the user's code."""

    def inline_figures(self) -> None:
        """Have figures shown below their cells: what `%matplotlib inline` asks for."""

    def flush_figures(self) -> None:
        """Show the figures that wait for the end of the cell."""

    def display(self, *values: object, **options: Any) -> object:
        """See `holdfast.output.display.display`."""

    def publish(
        self,
        msg_type: str,
        content: Mapping[str, object],
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] | None = None,
    ) -> None:
        """Send a message on iopub for the running cell."""

    def ask(self, prompt: str, password: bool = False) -> str:
        """Ask the person, as `input()` and `getpass()` do."""

    def page(self, text: str) -> None:
        """Show text in the frontend's pager."""

    def set_next_input(self, text: str, *, replace: bool = False) -> None:
        """Put text into the next cell, or with `replace` into this one."""

    def report(self, error: BaseException) -> Sequence[str]:
        """The traceback of `error` as it would be shown below a cell, in pieces, with colours."""

    def protected[F: Callable[..., Any]](self, function: F) -> F:
        """Mark a call of ours: an interrupt is raised when it returns, not within it."""

    def source(self, obj: object) -> str | None:
        """Where it can be had: the source text of a function, class or module."""
