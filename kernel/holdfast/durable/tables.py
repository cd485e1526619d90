"""Tables of what a session keeps, as text for consoles and as HTML for notebooks.

They must never hold a value of the user's, only names and words about them: a table may stay in `Out`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

#: Rows that are shown; all of them are there.
SHOWN = 100
#: Characters of a cell in the text form.
_WIDEST = 72
_UNITS = ("B", "kB", "MB", "GB", "TB")


class Table[Row: msgspec.Struct](list[Row]):
    """A list of rows that shows itself as a table; `data()` gives it for JSON."""

    #: What stands in place of a table without rows.
    empty = "nothing"
    #: Rows that were left out when it was made to be shown.
    hidden = 0

    def data(self) -> list[dict[str, object]]:
        """The rows as plain dicts."""
        return [msgspec.to_builtins(row) for row in self]

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        """Aligned columns; those that are empty in all rows are left out."""
        if not self:
            return self.empty
        names, rows = self._grid()
        rows = [[_cut(cell) for cell in row] for row in rows]
        widths = [max(len(cell) for cell in column) for column in zip(names, *rows, strict=True)]
        right = self._numeric(names)
        lines = []
        for row in (names, *rows):
            cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join((*lines, *self._more()))

    def html(self) -> str:
        """The same as a `<table>`."""
        from html import escape

        if not self:
            return f"<em>{escape(self.empty)}</em>"
        names, rows = self._grid()
        # JupyterLab aligns to the right, and narrow columns would break between a number and its unit.
        numeric = ' style="text-align: right; white-space: nowrap"'
        styles = [numeric if right else ' style="text-align: left"' for right in self._numeric(names)]
        parts = ["<table><thead><tr>"]
        parts += [f"<th{style}>{escape(name)}</th>" for name, style in zip(names, styles, strict=True)]
        parts.append("</tr></thead><tbody>")
        for row in rows:
            parts.append("<tr>")
            parts += [f"<td{style}>{escape(cell)}</td>" for cell, style in zip(row, styles, strict=True)]
            parts.append("</tr>")
        parts.append("</tbody></table>")
        parts += [escape(line) for line in self._more()]
        return "".join(parts)

    def _more(self) -> Sequence[str]:
        hidden = max(0, len(self) - SHOWN) + self.hidden
        return [f"… and {hidden} more"] if hidden else []

    def _grid(self) -> tuple[list[str], list[list[str]]]:
        fields = self[0].__struct_fields__
        rows = [[_words(name, getattr(row, name)) for name in fields] for row in self[:SHOWN]]
        used = [i for i in range(len(fields)) if any(row[i] for row in rows)]
        return [fields[i].replace("_", " ") for i in used], [[row[i] for i in used] for row in rows]

    @staticmethod
    def _numeric(names: Iterable[str]) -> list[bool]:
        return [name in ("size", "cell") for name in names]


def _words(name: str, value: object) -> str:
    """A field as people read it."""
    if name == "size":
        return size_text(value) if isinstance(value, int) and value else ""
    if name == "cell":
        return f"[{value}]" if value else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)


def _cut(text: str) -> str:
    line = " ".join(text.split("\n"))
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def size_text(size: int) -> str:
    """Bytes as people read them: `12 MB`."""
    value = float(size)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def local_time(at: str) -> str:
    """An ISO date as the reader's clock shows it, to the second."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(at).astimezone().isoformat(" ", "seconds")[:19]
    except ValueError:
        return at
