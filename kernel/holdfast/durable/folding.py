"""Folds finished files of outputs into one: what was cleared, replaced or has no room any more goes.

It must never touch the file that a kernel writes, and never lose what the old files hold before the new one is whole.

The new file is written beside its place, synced, and named `<first>-<last>`: whoever looks then finds one that holds
the others.  A process killed between that and the removal of the old ones leaves files that nobody reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from holdfast.durable.keys import Seal, sync_folder
from holdfast.durable.outputs import Brief, Key, Record, brief, gap, middle, together
from holdfast.durable.record import FOLDER, HEAD, LEFT, MAGIC, NEW, OUTPUT, UPDATE, Left, Place, files, sealed, spent

#: Bytes of outputs that a session keeps, and to which they are brought when it has more.
LIMIT, LEAVE = 256 << 20, 192 << 20
#: Finished files from which folding is worth its while.
MANY = 8


#: A record to be copied; or where a gap is, and what it is to say.
_Item = tuple[Place, Left | None]


def due(session: str, until: int) -> bool:
    """Whether the files up to this number are many or large enough to be folded."""
    done = [path for _, last, path in files(session) if last <= until]
    return len(done) >= MANY or (len(done) > 1 and sum(map(_size, done)) > LIMIT)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def fold(session: str, seal: Seal, until: int, limit: int = LIMIT, leave: int = LEAVE) -> None:
    """Fold the files up to number `until` into one.  Raises OSError; then all is as it was."""
    there = [file for file in files(session) if file[1] <= until]
    if not there:
        return
    first, last = there[0][0], there[-1][1]
    target = os.path.join(session, FOLDER, f"{first:06d}-{last:06d}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    with Record(session, seal, until) as record, os.fdopen(os.open(target + NEW, flags, 0o600), "wb") as file:
        for piece in _Folder(record, seal).pieces(limit, leave):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    os.replace(target + NEW, target)
    sync_folder(os.path.dirname(target))
    for path in spent(session, first, last):
        os.unlink(path)


class _Folder:
    """Decides what of the old files goes into the new one."""

    def __init__(self, record: Record, seal: Seal) -> None:
        self._record = record
        self._seal = seal
        self._briefs: dict[Place, Brief | None] = {}

    def pieces(self, limit: int, leave: int) -> Iterator[bytes]:
        """The bytes of the new file, each blob before the first record that names it; what is not ours is left out."""
        record, seal = self._record, self._seal
        written: set[bytes] = set()
        yield MAGIC
        for place, left in self._items(limit, leave):
            if left is not None:
                body = msgspec.json.encode(left)
                head = HEAD.pack(LEFT, place.epoch, place.count, place.life, place.serial, len(body))
                yield head + sealed(seal, head, body) + body
                continue
            whole = record.reader.whole(place)
            for blob in self._blobs(place) if whole is not None else ():
                name = record.reader.name(blob)
                found = record.reader.whole(blob) if name not in written else None
                if found is not None:
                    written.add(name)
                    yield found
            yield whole or b""

    def _items(self, limit: int, leave: int) -> list[_Item]:
        """What is worth copying, in order; the newest cells are the last to go."""
        record = self._record
        runs = {key: self._of_run(key) for key in record.runs}
        sizes = {key: sum(self._size(place) for place, left in run if left is None) for key, run in runs.items()}
        room = leave if sum(sizes.values()) > limit else limit
        items: list[_Item] = [(place, None) for place in (*record.lives, *self._last_updates())]
        for key in sorted(runs, key=lambda key: (key.life, record.runs[key][-1].serial), reverse=True):
            room -= sizes[key]
            run = runs[key]
            if room < 0 and run:
                run = [(run[0][0], Left(len(run), sizes[key], "newer cells needed the room"))]
            items += run
        return sorted(items, key=lambda item: (item[0].life, item[0].serial))

    def _of_run(self, key: Key) -> list[_Item]:
        """A run's outputs, as far as a cell has room for them."""
        live = [place for place in self._record.live(key) if place.kind == LEFT or self._brief(place) is not None]
        head, tail = middle([(self._size(place), self._is_text(place)) for place in live])
        kept: list[_Item] = [(place, None) for place in live]
        if head < tail:
            kept[head:tail] = [(live[head], together(self._gone(place) for place in live[head:tail]))]
        return kept

    def _gone(self, place: Place) -> Left:
        if place.kind != LEFT:
            return Left(1, self._size(place))
        body = self._record.body(place)
        return gap(body) if body is not None else Left(0, 0)

    def _last_updates(self) -> Iterator[Place]:
        """What displays show in the end; whatever was shown in them before goes."""
        seen: set[object] = set()
        for place in reversed(self._record.updates):
            found = self._brief(place)
            display = found.content.transient.get("display_id") if found is not None else None
            if display is not None and display not in seen:
                seen.add(display)
                yield place

    def _brief(self, place: Place) -> Brief | None:
        if place not in self._briefs:
            body = self._record.body(place)
            self._briefs[place] = brief(body) if body is not None else None
        return self._briefs[place]

    def _blobs(self, place: Place) -> list[Place]:
        """What a record names, as far as it is there."""
        found = self._brief(place) if place.kind in (OUTPUT, UPDATE) else None
        names = [*found.blobs.values(), *found.buffers] if found is not None else []
        return [blob for name in names if (blob := self._record.blob(place.path, name)) is not None]

    def _size(self, place: Place) -> int:
        return place.size + sum(blob.size for blob in self._blobs(place)) if place.kind != LEFT else 0

    def _is_text(self, place: Place) -> bool:
        found = self._brief(place) if place.kind != LEFT else None
        return found is not None and found.type == "stream"
