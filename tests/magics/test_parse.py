"""Help, line magics and modes are lowered to Python; Python itself is left alone."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.magics import builtin
from holdfast.magics.parse import CELL, HELP, MAGIC, SHELL, SHELL_LINES, Asked, Lowered, lower, sole_magic


def _help(text: str, level: int = 0) -> str:
    return f"{HELP}({text!r}, {level})"


def _magic(name: str, rest: str = "") -> str:
    return f"{MAGIC}({name!r}, {rest!r})"


def _shell(command: str) -> str:
    return f"{SHELL}({command!r})"


def _lines(command: str) -> str:
    return f"{SHELL_LINES}({command!r})"


def _cell(name: str, rest: str, body: str) -> str:
    return f"{CELL}({name!r}, {rest!r}, {body!r})"


@pytest.fixture(autouse=True)
def wrappers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell magics whose body stays the cell's own code."""
    for name in ("time", "capture"):
        monkeypatch.setitem(builtin.WRAPPERS, name, "x")


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("len?", _help("len")),
        ("?len", _help("len")),
        ("len??", _help("len", 1)),
        ("??len", _help("len", 1)),
        ("?len?", _help("len")),
        ("?len??", _help("len", 1)),
        ("  len?  ", f"  {_help('len')}"),
        ("? len", _help("len")),
        ("len ?", _help("len")),
        ("os.path.join?", _help("os.path.join")),
        ("x['a'].b[0]?", _help("x['a'].b[0]")),
        ("pandas.*?", _help("pandas.*")),
        ("größe?", _help("größe")),
        ("x = 1\nx?", f"x = 1\n{_help('x')}"),
        ("x?\n", f"{_help('x')}\n"),
        ("x?\n\n\n", f"{_help('x')}\n\n\n"),
        ("x?\r\n", f"{_help('x')}\n"),
        ("x?\ry", f"{_help('x')}\ny"),
        ("%who?", _help("%who")),
        ("%%bash??", _help("%%bash", 1)),
        ("?%who", _help("%who")),
        ("x['a b']?", _help("x['a b']")),
        ("x = len?", _help("len")),
        ("x; y?", _help("y")),
        ("*int*?", _help("*int*")),
        ("if x:\n    y?", f"if x:\n    {_help('y')}"),
        ("?", _magic("quickref")),
        ("# why?\nx?", f"# why?\n{_help('x')}"),
    ],
)
def test_help_is_lowered(code: str, lowered: str) -> None:
    """`obj?`, `obj??` and their prefixed forms become a call of the help builtin."""
    assert lower(code).code.replace("\r", "") == lowered


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%who", _magic("who")),
        ("%time x = 1", _magic("time", "x = 1")),
        ("  %cd ..  ", f"  {_magic('cd', '..')}"),
        ("x = 1\n%who\ny = 2", f"x = 1\n{_magic('who')}\ny = 2"),
        ("if x:\n    %who", f"if x:\n    {_magic('who')}"),
        ("try:\n  %a\nfinally:\n  %b", f"try:\n  {_magic('a')}\nfinally:\n  {_magic('b')}"),
        ("@deco\n%m", f"@deco\n{_magic('m')}"),
        ("match x:\n  case 1:\n    %m", f"match x:\n  case 1:\n    {_magic('m')}"),
        ("x = %who", f"x = {_magic('who')}"),
        ("x=%env A", f"x={_magic('env', 'A')}"),
        ("a, b = %m", f"a, b = {_magic('m')}"),
        ("x.y = %m", f"x.y = {_magic('m')}"),
        ("x: int = %m 1", f"x: int = {_magic('m', '1')}"),
        ("a = b = %m", f"a = b = {_magic('m')}"),
        ("%m a \\\n  b\nx", f"{_magic('m', 'a    b')}\n\nx"),
        ("x = %m a \\\n  b \\\n c\ny", f"x = {_magic('m', 'a    b   c')}\n\n\ny"),
        ("x = \\\n %m", f"x = \\\n {_magic('m')}"),
        ("%m 'a\n%n", f"{_magic('m', chr(39) + 'a')}\n{_magic('n')}"),
        ("%time f();", _magic("time", "f();")),
        ("%pwd;", f"{_magic('pwd')};"),
        ("%größe", _magic("größe")),
        ("%cd..", _magic("cd..")),
        ("%m a # b", _magic("m", "a # b")),
        ("%m x?", _magic("m", "x?")),
        ("x = 1\n%%who", f"x = 1\n{_magic('%who')}"),
        ("\x0c%who", f"\x0c{_magic('who')}"),
    ],
)
def test_line_magics_are_lowered(code: str, lowered: str) -> None:
    """`%name rest` at the beginning of a statement becomes a call, with its indent."""
    assert lower(code).code == lowered


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%%thread\nx = 1", Lowered("\nx = 1", "thread")),
        ("%%bg\nx = 1", Lowered("\nx = 1", "bg")),
        ("\n\n  %%bg  \nx = 1", Lowered("\n\n\nx = 1", "bg")),
        ("%%thread\nlen?", Lowered(f"\n{_help('len')}", "thread")),
        ("%%thread", Lowered("", "thread")),
        ("%%transaction\nx = 1", Lowered("\nx = 1", "", "")),
        ("%%transaction rollback best_effort \nx = 1", Lowered("\nx = 1", "", "rollback best_effort")),
        ("%%transaction explicit\n%%thread\nx = 1", Lowered("\n\nx = 1", "thread", "explicit")),
        ("%%bg\n\n%%transaction\nlen?", Lowered(f"\n\n\n{_help('len')}", "bg", "")),
        ("%%transactions\nx", Lowered(_cell("transactions", "", "x\n") + "\n")),
        ("%%thread now\nx", Lowered(_cell("thread", "now", "x\n") + "\n")),
        ("%%time\nx = 1", Lowered("\nx = 1", wrappers=(("time", ""),))),
        ("%%capture a b\n%%time \nx?", Lowered(f"\n\n{_help('x')}", wrappers=(("capture", "a b"), ("time", "")))),
        ("%%time\n%%bg\n%%sh\nls", Lowered(f"\n\n{_cell('sh', '', 'ls' + chr(10))}\n", "bg", None, (("time", ""),))),
        ("# why\n%%time\nx", Lowered("# why\n\nx", wrappers=(("time", ""),))),
    ],
)
def test_the_first_line_says_how_to_run(code: str, lowered: Lowered) -> None:
    """It becomes a blank one, so that all others keep their numbers."""
    assert lower(code) == lowered


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = 1",
        "print('what?')",
        "x = 'what?'",
        "# what?",
        "x  # why?",
        '"""\nreally?\n"""',
        'x = """\n?end"""',
        'x = """\nend?"""\n',
        "x = 'a\\\n?b'",
        "x = (1\n% 2)",
        "x = 5 \\\n% 3",
        "x = [\n'%s'\n% 5\n]",
        "f'{x!r:?>5}'",
        "x = '''\n%who\n'''",
        "x = 1  # %%thread\n",
        "'%%thread'",
        "x = 1\n'%%bg'\n",
        "a %time",
        "a %time\nb",
        "x != y",
        "x %= y",
        "x = -1",
        "f'{a!r}'",
        "f'''{\n%time\n}'''",
        "f'{x['''\n%who\n''']}'",
        "def f(x=1): return x",
        "(\n%m",
        "print(len?)",
        "% time",
        "x = %%time",
        "x == !ls",
    ],
)
def test_python_is_left_alone(code: str) -> None:
    """A question mark or percent sign inside strings, comments, brackets and continued lines is Python's."""
    assert lower(code) == Lowered(code)


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("!ls", _shell("ls")),
        ("  ! ls -l  ", f"  {_shell('ls -l')}"),
        ("!", _shell("")),
        ("!!ls", _lines("ls")),
        ("x = !ls", f"x = {_lines('ls')}"),
        ("a,b=!ls", f"a,b={_lines('ls')}"),
        ("x[f(a=1)] = !ls", f"x[f(a=1)] = {_lines('ls')}"),
        ("if x: y = !ls", f"if x: y = {_lines('ls')}"),
        ("!ls \\\n  -l \\\n  -a\nx=1", f"{_shell('ls    -l    -a')}\n\n\nx=1"),
        ("for i in y:\n    !echo {i}\nelse:\n\t!ls", f"for i in y:\n    {_shell('echo {i}')}\nelse:\n\t{_shell('ls')}"),
        ("!echo 'a\n!b", f"{_shell(chr(101) + 'cho ' + chr(39) + 'a')}\n{_shell('b')}"),
        ("!ls a?", _shell("ls a?")),
        ("!ls\r\nx", f"{_shell('ls')}\nx"),
        ("def f():\n  !ls", f"def f():\n  {_shell('ls')}"),
        (")\n!ls", f")\n{_shell('ls')}"),
    ],
)
def test_commands_are_lowered(code: str, lowered: str) -> None:
    """`!cmd`, `!!cmd` and `x = !cmd`, in blocks and over several lines."""
    assert lower(code).code == lowered


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%%bash", _cell("bash", "", "")),
        ("%%bash -x \nls\n\npwd", f"{_cell('bash', '-x', 'ls' + chr(10) * 2 + 'pwd' + chr(10))}\n\n\n"),
        ("\n# why\n\n%%bash\nls\n", f"\n# why\n\n{_cell('bash', '', 'ls' + chr(10))}\n\n"),
        ("  %%bash\n  ls\n    a", f"  {_cell('bash', '', 'ls' + chr(10) + '  a' + chr(10))}\n\n"),
        ("%%html\n%who\nx?\n!ls", f"{_cell('html', '', '%who' + chr(10) + 'x?' + chr(10) + '!ls' + chr(10))}\n\n\n"),
        ("%%!\nls", f"{_cell('sx', '', 'ls' + chr(10))}\n"),
        ("%%bash?\nx", f"{_help('%%bash')}\nx"),
    ],
)
def test_cell_magics_are_lowered(code: str, lowered: str) -> None:
    """The first line becomes a call with all that stands below, which leaves blank lines."""
    assert lower(code) == Lowered(lowered)


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        (">>> x = 1\n... y\n>>>z", "x = 1\ny\nz"),
        (">>> if x:\n...     y\n...\n>>> %who", f"if x:\n    y\n\n{_magic('who')}"),
        ("\nIn [1]: x\n   ...: y\n\nIn [12]: z", "\nx\ny\n\nz"),
        ("   >>> !ls\n   >>> y", f"{_shell('ls')}\ny"),
        ("In [1]: %%bash\n   ...: ls", f"{_cell('bash', '', 'ls' + chr(10))}\n"),
    ],
)
def test_pasted_prompts_are_taken_away(code: str, lowered: str) -> None:
    """Python's and a console's, where the cell begins with one."""
    assert lower(code).code == lowered


@pytest.mark.parametrize("code", ["x = 1\n>>> x", "In[1]: x", "'''\n>>> x\n'''", "In [x]: y"])
def test_other_prompts_stay(code: str) -> None:
    """Only the cell's first line says that it was pasted with prompts."""
    assert lower(code) == Lowered(code)


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("cd ..", _magic("cd", "..")),
        ("\nls\n", f"\n{_magic('ls')}\n"),
        ("ls -l", _magic("ls", "-l")),
        ("ls;", f"{_magic('ls')};"),
        ("env A=3", _magic("env", "A=3")),
        ("pip install x", _magic("pip", "install x")),
    ],
)
def test_automagic(code: str, lowered: str) -> None:
    """A cell of one line that begins with the name of a magic, and words that are no assignment."""
    assert lower(code, Asked(is_magic=lambda name: name in ("cd", "ls", "env", "pip"))).code == lowered


@pytest.mark.parametrize(
    "code",
    [
        *("ls = 3", "ls == 3", "ls, x = 1, 2", "ls += 1", "ls != 3", "ls()", "ls.x", "ls[0]"),
        *("x\nls", "ls\nx", "lsx", "'ls'", "1", ""),
    ],
)
def test_python_is_no_automagic(code: str) -> None:
    """Calls, attributes, assignments, comparisons, and cells of more than one line."""
    assert lower(code, Asked(is_magic=lambda name: name == "ls")) == Lowered(code)


@pytest.mark.parametrize(
    ("code", "lowered"),
    [
        ("%time await f()", f"await {MAGIC}.awaited('time', 'await f()')"),
        ("x = %time await f()", f"x = await {MAGIC}.awaited('time', 'await f()')"),
        ("%fetch a", f"await {MAGIC}.awaited('fetch', 'a')"),
        ("%%fetch a\nb", f"await {CELL}.awaited('fetch', 'a', 'b\\n')\n"),
        ("def f():\n  %time await g()", f"def f():\n  {_magic('time', 'await g()')}"),
        ("await x\n!ls", f"await x\nawait {SHELL}.awaited('ls')"),
        ("%time await x\n!ls", f"await {MAGIC}.awaited('time', 'await x')\nawait {SHELL}.awaited('ls')"),
        ("await x\nif y:\n  !ls", f"await x\nif y:\n  await {SHELL}.awaited('ls')"),
        ("await x\ndef f():\n  !ls", f"await x\ndef f():\n  {_shell('ls')}"),
        ("!echo await", _shell("echo await")),
        ("fetch a", f"await {MAGIC}.awaited('fetch', 'a')"),
    ],
)
def test_what_can_be_awaited_is(code: str, lowered: str) -> None:
    """Magics with `await` in their words, async magics, and commands in a cell that awaits: at top level."""
    asked = Asked(is_magic=lambda name: name == "fetch", is_async=lambda name: name.lstrip("%") == "fetch")
    assert lower(code, asked).code == lowered


def test_commands_are_awaited_while_tasks_are_alive() -> None:
    """So that the tasks go on while the command runs."""
    assert lower("!ls", Asked(tasks_alive=lambda: True)).code == f"await {SHELL}.awaited('ls')"


STATEMENTS = [
    ("x = 1", "x = 1"),
    ("'''\n%who\n!ls\nx?\n'''", "'''\n%who\n!ls\nx?\n'''"),
    ("f'{x!r:>{w}}'", "f'{x!r:>{w}}'"),
    ('f"""{\n{1: "}"}[1]\n}\n%who"""', 'f"""{\n{1: "}"}[1]\n}\n%who"""'),
    ("x = (1\n% 2)  # it's", "x = (1\n% 2)  # it's"),
    ("x = 5 \\\n% 3", "x = 5 \\\n% 3"),
    ("r'\\\\'", "r'\\\\'"),
    ("", ""),
    ("%who it's (", _magic("who", "it's (")),
    ('!echo """ { \\\n a', _shell('echo """ {   a') + "\n"),
    ("y = !ls [", f"y = {_lines('ls [')}"),
    ("len?", _help("len")),
    ("if x:\n    %who\nelse:\n    y = 'a%d' % 3", f"if x:\n    {_magic('who')}\nelse:\n    y = 'a%d' % 3"),
]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=8))
def test_each_statement_is_lowered_as_if_alone(statements: list[tuple[str, str]]) -> None:
    """Quotes and brackets in magics open nothing, and what is in strings is theirs; every line keeps its number."""
    code = "\n".join(["pass", *(written for written, _ in statements)])
    assert lower(code).code == "\n".join(["pass", *(expected for _, expected in statements)])
    assert lower(code).code.count("\n") == code.count("\n")


PIECES = """x ? % ' " \"\"\" ''' ( ) # = 1 x? %who %%bg { } b ; : ! !ls f' f" r' >>> != d """.split()


@given(st.lists(st.sampled_from([*PIECES, "\n", "\n", "\\\n", "r'", "if x:\n  ", "\t"]), max_size=12).map("".join))
def test_what_python_can_parse_is_not_changed(code: str) -> None:
    """No text that is valid Python loses its meaning."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return
    assert lower(code) == Lowered(code)


@given(st.text(st.sampled_from("ab?%. \n\t'\"#()[]=") | st.characters(), max_size=60))
@example("!\r")
def test_lines_keep_their_numbers(code: str) -> None:
    """No text fails, and none gains or loses a line, whatever its lines end with."""

    def ends(text: str) -> int:
        return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")

    assert ends(lower(code).code) == ends(code)


@pytest.mark.parametrize(
    ("code", "magic"),
    [
        ("%session new", "session"),
        ("  %session attach a b.ipynb  \n", "session"),
        ("# back to it\n\n%checkout 3\n# at last", "checkout"),
        ("%undo", "undo"),
        ("%session new\n%session attach a", ""),
        ("x = 1\n%session new", ""),
        ("%session new\nx = 1", ""),
        ("%%thread\nx", ""),
        ("# nothing", ""),
        ("", ""),
    ],
)
def test_a_cell_that_is_one_line_magic(code: str, magic: str) -> None:
    """And nothing else, but for comments."""
    assert sole_magic(code) == magic
