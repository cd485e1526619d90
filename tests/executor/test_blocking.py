"""Which blocking calls a cell's text shows."""

from __future__ import annotations

import ast

import pytest

from holdfast.executor.blocking import blocking_calls


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import time\ntime.sleep(5)", ("time.sleep",)),
        ("time.sleep(5)", ("time.sleep",)),
        ("import time as t\nt.sleep(5)", ("time.sleep",)),
        ("from time import sleep\nsleep(5)", ("time.sleep",)),
        ("from time import sleep as s\ns(5)", ("time.sleep",)),
        ("import urllib.request\nurllib.request.urlopen('u').read()", ("urllib.request.urlopen",)),
        ("import urllib.request as r\nr.urlopen('u')", ("urllib.request.urlopen",)),
        ("from urllib import request\nrequest.urlopen('u')", ("urllib.request.urlopen",)),
        ("import requests, subprocess\nsubprocess.run(['a'])\nrequests.get('u')\nrequests.get('v')",
         ("subprocess.run", "requests.get")),
        ("name = input('who? ')", ("input",)),
        ("if a:\n    for x in y:\n        with z: time.sleep(1)", ("time.sleep",)),
        ("xs = [time.sleep(1) for _ in range(3)]", ("time.sleep",)),
        ("print(f'{input()}')", ("input",)),
        ("class A:\n    time.sleep(1)", ("time.sleep",)),
        ("await g()\ntime.sleep(1)", ("time.sleep",)),
        ("time.sleep", ()),
        ("import asyncio\nawait asyncio.sleep(5)", ()),
        ("from asyncio import sleep\nawait sleep(5)", ()),
        ("sleep(5)", ()),
        ("x.time.sleep(5)", ()),
        ("f().sleep(5)", ()),
        ("from .time import sleep\nsleep(5)", ()),
        ("from mine import *\nsleep(5)", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_calls_and_imports(source: str, expected: tuple[str, ...]) -> None:
    """Calls are named by what they stand for, each once, in the order of the text."""
    assert blocking_calls(ast.parse(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    time.sleep(1)", ()),
        ("f = lambda: time.sleep(1)", ()),
        ("class A:\n    def f(self):\n        time.sleep(1)", ()),
        ("def f():\n    time.sleep(1)\nf()", ("time.sleep",)),
        ("async def f():\n    time.sleep(1)\nawait f()", ("time.sleep",)),
        ("def f():\n    g()\ndef g():\n    input()\nf()", ("input",)),
        ("def f():\n    f()\n    input()\nf()", ("input",)),
        ("def f():\n    from time import sleep\n    sleep(1)\nf()", ("time.sleep",)),
        ("def f(time):\n    time.sleep(1)\nf(clock)", ()),
        ("def f(x=time.sleep(1)):\n    pass", ("time.sleep",)),
        ("@g(input())\ndef f():\n    pass", ("input",)),
        ("f = lambda x=input(): x", ("input",)),
    ],
)
def test_functions(source: str, expected: tuple[str, ...]) -> None:
    """What is inside a function counts where the cell calls it by name."""
    assert blocking_calls(ast.parse(source)) == expected


@pytest.mark.parametrize(
    "source",
    [
        "def input(): ...\ninput()",
        "time = Clock()\ntime.sleep(5)",
        "for input in readers:\n    input()",
        "class requests: ...\nrequests.get('u')",
    ],
)
def test_names_the_cell_binds_itself(source: str) -> None:
    """A name the cell gives another meaning is not taken for the module or built-in."""
    assert blocking_calls(ast.parse(source)) == ()


def test_names_of_earlier_cells() -> None:
    """What earlier cells imported resolves through `known`; an import in this cell wins."""
    known = {"t": "time", "nap": "time.sleep", "time": "mine.time"}
    source = "t.sleep(1)\ntime.sleep(1)"
    assert blocking_calls(ast.parse(source), known) == ("time.sleep",)
    assert blocking_calls(ast.parse("nap(1)"), known) == ("time.sleep",)
    assert blocking_calls(ast.parse("time.sleep(1)"), known) == ()
    assert blocking_calls(ast.parse("import time\ntime.sleep(1)"), known) == ("time.sleep",)


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    """A tree deeper than Python's stack is searched all the same."""
    node: ast.expr = ast.parse("time.sleep(1)", mode="eval").body
    for _ in range(20_000):
        node = ast.UnaryOp(ast.USub(), node)
    tree = ast.Module([ast.Expr(node)], [])
    assert blocking_calls(tree) == ("time.sleep",)
