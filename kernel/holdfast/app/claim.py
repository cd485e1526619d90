"""The claim of one kernel on its session: finds it when the kernel starts, and notes what the next start goes by.

It must never lose a session: one whose notebook has become another is kept under another name, and that is said.

`app/naming.py` decides; this opens, renames and copies.  What a cell costs here is a look into a dict.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping
from itertools import chain
from typing import TYPE_CHECKING, Literal

from holdfast.app import naming
from holdfast.clock import Clock
from holdfast.durable.faults import Locked, Unusable
from holdfast.durable.folder import folder_of, home, open_session
from holdfast.durable.keys import KEY_NAME, key_id, user_key

if TYPE_CHECKING:
    from holdfast.durable.folder import Session
    from holdfast.durable.seen import Found, Known

#: Kernels that look for the same session at once: how often one begins again because another was first.
_ATTEMPTS = 3


class Claim:
    """Made and used on the main thread; `tell` shows the user a sentence.  Methods that open raise StoreError."""

    def __init__(
        self,
        environ: MutableMapping[str, str],
        kernel: str,
        durability: Literal["full", "process"],
        tell: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._environ = environ
        self._asked = naming.asked(environ)
        self._kernel = kernel
        self._durability = durability
        self._tell = tell
        self._clock = clock
        self._home = home(environ)
        self._own: bytes | None = None
        self._session: Session | None = None
        #: Whether the session goes with a clean shutdown.
        self.ephemeral = False
        self._notebook = ""
        self._ids: dict[str, None] = {}
        #: Whether there are ids that the session's file lacks.
        self.due = False
        #: Whether the session is one of those that are found by ids.
        self._listed = False
        #: What is written down for this kernel, started again.
        self._told: Known | None = None

    # ------------------------------------------------------------ finding

    def open(self) -> Session:
        """The session that this kernel is to have, opened."""
        asked = self._asked
        naming.export(self._environ)
        former = self._former()
        if former is not None:
            self._take(self._opened(former.name), self._known_of(former.name), former.notebook)
        elif asked.given:
            self._take(self._opened(asked.given))
        elif asked.notebook:
            self._open_notebook(asked.notebook)
        else:
            session = self._opened(self._kernel)
            left = os.path.exists(os.path.join(session.folder, "seen"))  # by one that died
            self._take(session, self._known_of(self._kernel) if left else None)
            self.ephemeral = self._listed = True
        assert self._session is not None
        return self._session

    def of_cell(self, cell_id: str) -> Session | None:
        """The session that the first cell of a nameless kernel belongs to, opened; None where it tells nothing new."""
        notebook = naming.notebook_of(cell_id)
        if notebook:
            return self._open_notebook(notebook)
        found = [one for one in self._others() if cell_id in one.known.ids]
        best = naming.best_of(frozenset((cell_id,)), found)
        if best is None or (self._session is not None and best.known.name == self._session.name):
            return None
        return self._take(self._opened(best.known.name), best.known)

    def attach(self, name: str) -> Session:
        """The session that `name` leads to, opened, when no kernel uses it: `take` makes it this kernel's."""
        from holdfast.durable.listing import whole_name

        return open_session(self._home, whole_name(self._home, name), self._durability, branch=False)

    def again(self) -> Session:
        """This session once more, when it was closed."""
        assert self._session is not None
        self._session = self._opened(self._session.name)
        return self._session

    def take(self, session: Session) -> Session:
        """This kernel goes on with a session that somebody asked for: it stays, whatever it was."""
        return self._take(session, self._known_of(session.name))

    def _former(self) -> Known | None:
        """What this kernel had before it died, or before it was restarted, when that is still there."""
        # A look at the name of the file: kernels that have none need not import what reads it.
        if not os.path.exists(os.path.join(self._home, "kernels", self._kernel)):
            return None
        from holdfast.durable import seen

        key = self._key()
        self._told = seen.session_of(self._home, key, self._kernel) if key is not None else None
        return self._told if self._told is not None and self._folder(self._told.name) else None

    def _open_notebook(self, notebook: str) -> Session:
        """The session of a notebook, by its path and its cells."""
        from holdfast.app.notebook import cell_ids

        ids = cell_ids(notebook)
        for attempt in range(_ATTEMPTS):
            choice = naming.choose(notebook, ids, self._known_of(notebook), self._others, cell_ids)
            try:
                session = self._carry_out(choice)
                break
            except FileNotFoundError:  # another kernel has just moved it
                if attempt == _ATTEMPTS - 1:
                    raise Unusable(folder_of(self._home, notebook), "other kernels go on moving it") from None
            except OSError as error:
                raise Unusable(str(error.filename or self._home), error.strerror or str(error)) from None
        known = choice.of.known if choice.of is not None else None if choice.aside else self._known_of(session.name)
        self._take(session, known, notebook, ids or frozenset())
        if choice.act != "open" or choice.aside:
            self.note()
        return session

    def _carry_out(self, choice: naming.Choice) -> Session:
        """Rename and copy as it says, and open the session; raises OSError."""
        from holdfast.durable.branch import branched, numbered, renamed
        from holdfast.durable.store.points import go_on

        name, of, key = choice.name, choice.of, self._key()
        if key is None:
            return self._opened(name)
        names: Iterator[str] = chain((name,), numbered(name))
        is_free = not choice.aside or self._set_aside(name, key)
        if not is_free:
            names = numbered(name)
        if of is None:
            return self._opened(next(one for one in names if one == name or not self._folder(one)))
        if choice.act == "adopt":
            if not is_free and of.known.notebook == name:
                return self._opened(of.known.name)
            try:
                its_name = renamed(of.folder, key, names, folder_of)
                self._tell(f"these are the cells of {of.known.name!r}: that session is {its_name!r} now")
                return self._opened(its_name)
            except Locked as error:
                self._tell(f"{error.reason} as {of.known.name!r}")
                names = chain((name,), numbered(name)) if is_free else numbered(name)
        _, its_name, reason = branched(of.folder, key, names, folder_of, self._clock.date(), go_on)
        self._tell(f"{name!r} has the cells of {of.known.name!r}: this is {reason or 'a branch of that session'}")
        session = self._opened(its_name)
        session.branch_of = of.known.name
        return session

    def _opened(self, name: str) -> Session:
        return open_session(self._home, name, self._durability)

    def _set_aside(self, name: str, key: bytes) -> bool:
        """Keep the session that has this name under another one; False where a kernel uses it."""
        from holdfast.durable.branch import numbered, renamed

        whose = "its cells are not those of this notebook"
        try:
            kept = renamed(self._folder(name), key, numbered(name), folder_of)
        except Locked as error:
            self._tell(f"{error.reason} as {name!r}, but {whose}: this is another session")
            return False
        back = f"%session attach {os.path.basename(kept)}"
        self._tell(f"there was a session of {name!r}, but {whose}: it is kept as {kept!r} ({back}), this is a new one")
        return True

    def _take(
        self, session: Session, known: Known | None = None, notebook: str = "", ids: frozenset[str] = frozenset()
    ) -> Session:
        """This kernel has `session` from now on, of which `known` is known, and whose notebook has `ids`."""
        self._session, self.ephemeral = session, False
        self._notebook = notebook or (known.notebook if known is not None else "")
        before = known.ids if known is not None else ()
        self._ids = dict.fromkeys((*before, *sorted(ids)))
        self._listed = bool(self._notebook or before)
        is_written = known is not None and (known.name, known.notebook) == (session.name, self._notebook)
        self.due = self._listed and (not is_written or len(self._ids) > len(before))
        # What the environment says once more at the next start need not be written down.
        if self._told is not None or session.name != (self._asked.given or self._kernel):
            self._remember(session)
        return session

    def _remember(self, session: Session) -> None:
        """Whatever becomes of the notebook: this kernel, started again, goes on with this session."""
        from holdfast.durable import seen

        known = seen.Known(session.name, self._notebook)
        if known == self._told:
            return
        try:
            seen.tell(self._home, user_key(self._home), self._kernel, known)
            self._told = known
        except OSError:  # a full disk says so with the first commit
            return

    # ------------------------------------------------------------ what is known

    def _key(self) -> bytes | None:
        """The user's key, None before the first session of all."""
        if self._own is None and os.path.exists(os.path.join(self._home, KEY_NAME)):
            self._own = user_key(self._home, make=False)
        return self._own

    def _folder(self, name: str) -> str:
        """Where the session of this name lies, or "" when there is none."""
        key, place = self._key(), folder_of(self._home, name)
        places = (place,) if key is None else (f"{place}.{key_id(key).hex()}", place)
        return next((one for one in places if os.path.isdir(one)), "")

    def _known_of(self, name: str) -> Known | None:
        """What is known of the session of this name; None when there is none."""
        folder, key = self._folder(name), self._key()
        if not folder or key is None:
            return None
        from holdfast.durable import seen

        return seen.read(folder, key) or seen.Known(name)

    def _others(self) -> list[Found]:
        """The sessions that have seen cells, those left out that a crash has in two places."""
        from holdfast.durable import seen

        key = self._key()
        found = seen.everywhere(self._home, key) if key is not None else ()
        return [one for one in found if self._folder(one.known.name) == one.folder]

    # ------------------------------------------------------------ what is noted

    def saw(self, cell_id: object) -> None:
        """A cell of this id runs.  On its path."""
        if type(cell_id) is str and cell_id not in self._ids and self._listed:
            from holdfast.app.notebook import is_telling

            if is_telling(cell_id):
                self._ids[cell_id] = None
                self.due = True

    def note(self) -> None:
        """Write down what the session has seen; in idle time, and when the kernel leaves."""
        session = self._session
        if session is None or not self._listed or session.store.head() is None:  # nothing to come back to
            return
        from holdfast.durable import seen

        self.due = False
        known = seen.Known(session.name, self._notebook, tuple(self._ids)[-seen.MOST :])
        try:
            seen.write(session.folder, user_key(self._home), known, durable=self._durability == "full")
        except OSError:  # it goes by its path then
            return

    def end(self, restart: bool) -> None:
        """The kernel leaves as it should, the session is still open."""
        if self._notebook:
            from holdfast.app.notebook import cell_ids

            # Clients that tell no ids (VS Code, the classic notebook) have saved the cells that they made.
            saved = cell_ids(self._notebook) or frozenset()
            if not self._ids or not saved.isdisjoint(self._ids):  # else the path is another notebook's by now
                self.due = self.due or not saved.issubset(self._ids)
                self._ids.update(dict.fromkeys(sorted(saved)))
        if self.due:
            self.note()
        if not restart and self._told is not None:
            from holdfast.durable import seen

            seen.forget(self._home, self._kernel)
