"""An engine that goes on in memory where the other one fails: a full disk must not keep a person from answering.

It must never do so without a word, and never take a promise that the other engine has for its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from holdfast.engine.memory import MemoryEngine
from holdfast.engine.port import Engine, Promise, State, never


class FallbackEngine:
    """See `engine.port.Engine`.  `say` is told, once for each reason, why promises are not kept.

    A promise that the first engine did not take lives in `spare`, to its end.  An answer that it did not take is
    the answer all the same.
    """

    def __init__(self, first: Engine, spare: MemoryEngine, say: Callable[[str], None]) -> None:
        self._first = first
        self._spare = spare
        self._say = say
        self._ours: set[str] = set()
        self._said: set[str] = set()

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """See the port."""
        if id not in self._ours:
            try:
                return self._first.create(id, param, tags)
            except Exception as error:  # whatever it is, the cell only wants to ask something
                self._complain(error)
                self._ours.add(id)
        return self._spare.create(id, param, tags)

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """See the port."""
        if id in self._ours:
            return self._spare.settle(id, state, value)
        try:
            return self._first.settle(id, state, value)
        except KeyError:
            raise
        except Exception as error:
            self._complain(error)
            return Promise(id, state, None, value)

    def wait(self, id: str, timeout: float | None = None, until: Callable[[], bool] = never) -> Promise:
        """See the port."""
        return (self._spare if id in self._ours else self._first).wait(id, timeout, until)

    def wake(self) -> None:
        """See the port."""
        self._first.wake()
        self._spare.wake()

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """See the port."""
        spare = self._spare.list_open(prefix)
        try:
            return [*self._first.list_open(prefix), *spare]
        except Exception as error:
            self._complain(error)
            return spare

    def lease(self, name: str, owner: str, seconds: float) -> bool:
        """See the port."""
        return self._first.lease(name, owner, seconds)

    def _complain(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if reason not in self._said:
            self._said.add(reason)
            self._say(f"prompts of this cell do not outlive the kernel: {reason}")
