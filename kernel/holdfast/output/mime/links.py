"""Links to files beside the notebook: FileLink for one, FileLinks for those of a folder.

It must never open a file: only names are shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    _Formatter = Callable[[str, list[str], Collection[str] | None], list[str]]

__all__ = ["FileLink", "FileLinks"]


class FileLink:
    """A link to a file, as the notebook server serves it.

    `url_prefix` comes before the path in the address; `result_html_prefix` and `result_html_suffix` stand
    around the link.  ValueError: the path is a folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        url_prefix: str = "",
        result_html_prefix: str = "",
        result_html_suffix: str = "<br>",
    ) -> None:
        self.path = os.fspath(path)
        self._check_path()
        self.url_prefix = url_prefix
        self.result_html_prefix = result_html_prefix
        self.result_html_suffix = result_html_suffix

    def _check_path(self) -> None:
        if os.path.isdir(self.path):
            raise ValueError(f"FileLink links to a file, and {self.path!r} is a folder; use FileLinks")

    def __repr__(self) -> str:
        return os.path.abspath(self.path)

    def _repr_html_(self) -> str:
        if not os.path.exists(self.path):
            from html import escape

            return f"There is no file <tt>{escape(self.path)}</tt> yet; check the path, or wait for it."
        return self._link(self.path, self.path)

    def _link(self, path: str, label: str) -> str:
        from html import escape
        from urllib.parse import quote

        # Quoted, for "#", "?" and "%" in names; the prefix is the user's own address.
        address = escape(self.url_prefix + quote(path.replace(os.sep, "/"), safe="/:~"))
        link = f"<a href='{address}' target='_blank'>{escape(label, quote=False)}</a>"
        return f"{self.result_html_prefix}{link}{self.result_html_suffix}"


class FileLinks(FileLink):
    """Links to the files of a folder and, unless `recursive` is False, of the folders in it.

    `included_suffixes` chooses files by how their names end.  The two formatters, each
    `(folder, file names, included_suffixes) -> lines`, replace the layout in HTML and in plain text.
    ValueError: the path is not a folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        url_prefix: str = "",
        included_suffixes: Collection[str] | None = None,
        result_html_prefix: str = "",
        result_html_suffix: str = "<br>",
        notebook_display_formatter: _Formatter | None = None,
        terminal_display_formatter: _Formatter | None = None,
        recursive: bool = True,
    ) -> None:
        super().__init__(path, url_prefix, result_html_prefix, result_html_suffix)
        self.included_suffixes = included_suffixes
        self.notebook_display_formatter = notebook_display_formatter or self._as_html
        self.terminal_display_formatter = terminal_display_formatter or self._as_text
        self.recursive = recursive

    def _check_path(self) -> None:
        if os.path.isfile(self.path):
            raise ValueError(f"FileLinks shows a folder, and {self.path!r} is a file; use FileLink")
        if not os.path.isdir(self.path):
            raise ValueError(f"FileLinks cannot show {self.path!r}: there is no such folder; check the path")

    def __repr__(self) -> str:
        return "\n".join(self._lines(self.terminal_display_formatter))

    def _repr_html_(self) -> str:
        return "\n".join(self._lines(self.notebook_display_formatter))

    def _lines(self, formatter: _Formatter) -> Iterator[str]:
        for folder, names in self._folders():
            yield from formatter(folder, names, self.included_suffixes)

    def _folders(self) -> Iterator[tuple[str, list[str]]]:
        for folder, inner, names in os.walk(self.path):
            inner.sort()  # os.walk goes on in this order
            yield folder, sorted(names)
            if not self.recursive:
                return

    def _as_html(self, folder: str, names: list[str], suffixes: Collection[str] | None) -> list[str]:
        from html import escape

        shown = _chosen(names, suffixes)
        head = f"{self.result_html_prefix}{escape(folder, quote=False)}/{self.result_html_suffix}"
        lines = ["&nbsp;&nbsp;" + self._link(os.path.join(folder, name), name) for name in shown]
        return [head, *lines] if shown else []

    def _as_text(self, folder: str, names: list[str], suffixes: Collection[str] | None) -> list[str]:
        shown = _chosen(names, suffixes)
        return [f"{folder}/", *(f"  {name}" for name in shown)] if shown else []


def _chosen(names: list[str], suffixes: Collection[str] | None) -> list[str]:
    return [name for name in names if suffixes is None or name.endswith(tuple(suffixes))]
