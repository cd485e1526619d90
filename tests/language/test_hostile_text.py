"""Text that makes careless parsers quadratic, exponential or recursive."""

from __future__ import annotations

import pytest

from holdfast.language.complete import complete
from holdfast.language.inspection import inspect_request
from holdfast.language.is_complete import is_complete

SIZE = 150_000
TEXTS = {
    "one long name": "a" * SIZE,
    "a long name that is no target": "a" * SIZE + "!\nb",
    "a long name in a call": "f(" + "a" * SIZE,
    "many names in a call": "f(" + "a, " * (SIZE // 3),
    "joined lines": "a \\\n" * (SIZE // 4),
    "open brackets": "(" * SIZE,
    "open calls": "a(" * (SIZE // 2),
    "closed brackets": ")" * SIZE,
    "brackets that close": "[" * (SIZE // 2) + "]" * (SIZE // 2),
    "brackets that do not fit": "(" * (SIZE // 2) + "]" * (SIZE // 2),
    "blanks": " " * SIZE,
    "blanks and a question mark": " " * SIZE + "x ?" + " " * SIZE + "y",
    "backslashes": "'" + "\\" * SIZE,
    "quotes": "'" * SIZE,
    "double quotes in threes": '"""a' * (SIZE // 4),
    "fields in fields": "f'{" * (SIZE // 3),
    "format specs": "f'{x:" + "{y:" * (SIZE // 3),
    "magic lines": "%x\n" * (SIZE // 3),
    "digits": "1" * SIZE,
    "digits and words": "1if " * (SIZE // 4),
    "nested functions": "".join(" " * depth + f"def f{depth}():\n" for depth in range(500)),
    "assignments": "a = b = c\n" * (SIZE // 10),
    "one assignment": "a, " * (SIZE // 3) + "= 1\nb",
    "blank lines": "\n" * SIZE,
    "imports": "from a import " + "b, " * (SIZE // 3),
    "statements": "a;" * (SIZE // 2),
    "colons": ":" * SIZE + "import x",
    "walrus": "(" + "a" * SIZE + " :" * 5,
    "lambdas": "lambda a: " * (SIZE // 10),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("code", TEXTS.values(), ids=TEXTS.keys())
def test_no_text_takes_for_ever(code: str) -> None:
    """Every service answers; two minutes are a hang guard, the slowest takes a fraction of a second."""
    assert complete(code, len(code), {"a": [1]})["status"] == "ok"
    assert inspect_request(code, len(code), 0, {"a": [1]})["status"] == "ok"
    assert is_complete(code)["status"] in ("complete", "incomplete", "invalid", "unknown")
