"""The text of a cell as Python will read it, and the name it is compiled under.

It must never change the number of lines before a line that an error can name.

The name follows from the text: a frontend finds the cell that a breakpoint or a stopped frame belongs to by hashing
its text in the same way (JEP 47; `debugInfo` tells prefix, suffix, method and seed).  The same text run twice has one
name.  Every cell is named so from the first one on, not only while a debugger is attached: functions live long, and
whoever attaches later sets breakpoints in cells that ran before.

What the hash costs, about a tenth of compiling the text, is paid once for each text; of a text too long for it only
both ends are hashed, and `dumpCell` tells the name.

Rejected: a name of its own for each run, mapped to the hashed one when a debugger attaches (debugpy maps a source to
one file only, and a function of an earlier run of the cell would keep its breakpoints to itself); hashing in blocks
with wide integers (a quarter faster, and nobody could read it).
"""

from __future__ import annotations

import linecache

#: What MurmurHash2 starts from; any number will do.
SEED = 0x9747B28C
#: Bytes; hashing takes some 50 us for each thousand.
_LONGEST = 32_768
_WORD = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995

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


def murmur2(data: bytes, seed: int) -> int:
    """MurmurHash2 (Austin Appleby), 32 bits: the hash that frontends compute too."""
    size = len(data)
    whole = size & ~3
    value = (seed ^ size) & _WORD
    for word in memoryview(data)[:whole].cast("I"):
        word = word * _MULTIPLIER & _WORD
        value = (value * _MULTIPLIER ^ (word ^ word >> 24) * _MULTIPLIER) & _WORD
    if whole < size:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _WORD
    value = (value ^ value >> 13) * _MULTIPLIER & _WORD
    return value ^ value >> 15


class Sources:
    """File names for cells, by their text; `linecache` holds the text.

    `labels` maps the file name of a cell to what people call it: by its newest run.  `prefix` and `suffix` are what
    stands around the hash in a name.
    """

    def __init__(self, folder: str) -> None:
        self.prefix, self.suffix = f"{folder}/", ".py"
        self._names: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        #: The text of each name, as its cell's author wrote it.
        self.texts: dict[str, str] = {}

    def name(self, code: str) -> str:
        """The file name under which a cell of this text is compiled.

        Two texts of one hash (one in a hundred sessions of ten thousand cells) have two names.
        """
        known = self._names.get(code)
        if known is not None:
            return known
        data = code.encode("utf-8", "surrogatepass")
        if len(data) <= _LONGEST:
            stem = f"{self.prefix}{murmur2(data, SEED)}"
        else:
            ends = data[: _LONGEST // 2] + data[-_LONGEST // 2 :]
            stem = f"{self.prefix}long_{murmur2(ends, SEED ^ len(data))}"
        name, n = stem + self.suffix, 1
        while name in self.texts:
            n += 1
            name = f"{stem}_{n}{self.suffix}"
        self._names[code], self.texts[name] = name, code
        return name

    def register(self, code: str, count: int) -> str:
        """The file name under which `code`, run as cell `count`, is compiled.

        The modification time None tells `linecache.checkcache` that there is no file to compare with.  The newest
        entry is the last one: whoever looks for the text of a class looks there first.
        """
        name = self.name(code)
        text = dedented(code)
        if type(linecache.cache) is not dict:
            linecache.cache = {}
        linecache.cache.pop(name, None)
        linecache.cache[name] = (len(text), None, lines_of(text), name)
        self.labels[name] = LABEL.format(count)
        return name
