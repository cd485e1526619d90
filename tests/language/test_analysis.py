"""What only jedi can tell, and what it is allowed to see."""

from __future__ import annotations

import warnings

import pytest

from holdfast.language import analysis
from holdfast.language.complete import complete
from holdfast.language.inspection import inspect_request


class Recording:
    calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.calls.append(name)
        raise AttributeError(name)

    @property
    def attribute(self) -> int:
        self.calls.append("attribute")
        return 1

    def method(self) -> str:
        return ""


ONLY_JEDI = [
    ("import wave; wave.op", "open"),
    ("from wave import op", "open"),
    ("class A:\n    def method(self): pass\nA().me", "method"),
    ("def f():\n    local = [1][0:]\n    local.app", "append"),
    ("(1).bit_l", "bit_length"),
]


@pytest.mark.parametrize(("code", "word"), ONLY_JEDI)
def test_jedi_answers_for_what_is_not_live(code: str, word: str) -> None:
    """Modules that are not loaded, and names and chains that only the text defines."""
    assert word in complete(code, len(code), {})["matches"]  # type: ignore[operator]


def test_lines_put_before_the_code_do_not_show() -> None:
    """The declarations given to jedi shift no position and are not offered."""
    namespace = {"r": Recording(), "s": Recording()}
    code = "r; s\nx = [r]\nx[0].me"
    reply = complete(code, len(code), namespace)
    assert reply["matches"] == ["method"]
    assert reply["cursor_start"] == len(code) - 2
    everything = analysis.completions("r\n", 2, namespace, 10_000)
    assert not any("holdfast" in word for word, _ in everything)


def test_jedi_touches_no_instance() -> None:
    """No attribute of an instance in the session is asked for."""
    Recording.calls.clear()
    namespace = {"r": Recording()}
    for code in ("r.attribute.re", "x = [r]\nx[0].me", "r.absent.", "[r.method()][0].up"):
        complete(code, len(code), namespace)
        inspect_request(code, len(code), 1, namespace)
    assert Recording.calls == []


def test_jedi_sees_only_names_of_the_code() -> None:
    """Of a large session jedi is handed what the text names, in whatever part of it."""
    namespace: dict[str, object] = {f"v{index}": index for index in range(1000)}
    known, prelude = analysis._visible("v1 + unknown  # v2", namespace)
    assert len(known) == len(prelude) == 2


def test_jedi_failing_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside jedi is not the user's."""
    jedi = analysis._load()

    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(jedi.Interpreter, "complete", fail)
    monkeypatch.setattr(jedi.Interpreter, "infer", fail)
    assert complete("(1).bit_l", 9, {})["matches"] == []
    assert inspect_request("wave_unknown", 3, 0, {})["found"] is False


def test_jedi_leaves_the_warning_filters() -> None:
    """The filters of the process are not swapped while jedi reads attributes."""
    seen: list[object] = []

    class Watching(warnings.catch_warnings):
        def __init__(self, **keywords: object) -> None:
            seen.append(keywords)
            super().__init__(record=bool(keywords.get("record")))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warnings, "catch_warnings", Watching)
        for code in ("import string\nx = [string]\nx[0].asc", "x = [Recording]\nx[0].me"):
            complete(code, len(code), {"Recording": Recording})
    assert seen == []


def test_too_much_code_is_not_read() -> None:
    """Above the limit jedi is not asked at all."""
    assert analysis.completions("x = 1\n" * analysis.CODE_LIMIT + "(1).bit", 600_007, {}, 10) == []
