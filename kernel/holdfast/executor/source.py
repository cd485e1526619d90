"""The text of a cell as Python will read it, and the name it is compiled under.

It must never change the number of lines before a line that an error can name.
"""

from __future__ import annotations

import linecache

#: How tracebacks call a cell: `Cell In[3]`.
LABEL = "Cell In[{}]"


def dedented(code: str) -> str:
    """A cell whose first line is indented (pasted from inside a function) loses that indent everywhere."""
    first = next((line for line in lines_of(code) if line.strip() and not line.lstrip().startswith("#")), "")
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    if not indent:
        return code
    return "".join(line.removeprefix(indent) for line in lines_of(code))


def lines_of(code: str) -> list[str]:
    """The lines as the compiler counts them: `str.splitlines` also splits at form feeds and U+2028."""
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:]


class Sources:
    """File names for cells: each cell gets its own, and `linecache` holds its text.

    `labels` maps the file name of a cell to what people call it.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._n = 0
        self.labels: dict[str, str] = {}

    def register(self, code: str, count: int) -> str:
        """The file name under which `code`, run as cell `count`, is compiled.

        The modification time None tells `linecache.checkcache` that there is no file to compare with.
        """
        self._n += 1
        name = f"{self._folder}/cell_{self._n}.py"
        lines = lines_of(code)
        if type(linecache.cache) is not dict:
            linecache.cache = {}
        linecache.cache[name] = (len(code), None, lines, name)
        self.labels[name] = LABEL.format(count)
        return name
