"""From objects to mime bundles."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from holdfast.output.formatters import Formatters
from holdfast.output.pretty import Layout, Registry


class Recorder:
    """Formatters with a registry of their own, and the errors they reported."""

    def __init__(self, max_seq_length: int = 1000) -> None:
        self.errors: list[tuple[str, str]] = []
        self.formatters = Formatters(self.report, max_seq_length, registry=Registry())

    def report(self, obj: object, mime: str, error: Exception) -> None:
        self.errors.append((mime, str(error)))

    def data(self, obj: object, **options: Any) -> dict[str, object]:
        """The mime bundle alone."""
        return self.formatters.format(obj, **options)[0]


@pytest.fixture
def recorder() -> Recorder:
    """Formatters with nothing registered."""
    return Recorder()


def answer(value: object) -> Any:
    """A method that returns `value`."""
    return lambda self: value


#: Each method, its type, what it returns, and what is sent.
TABLE: list[tuple[str, str, object, object]] = [
    ("__repr__", "text/plain", "rich", "rich"),
    ("_repr_html_", "text/html", "<b>", "<b>"),
    ("_repr_markdown_", "text/markdown", "**b**", "**b**"),
    ("_repr_svg_", "image/svg+xml", "<svg/>", "<svg/>"),
    ("_repr_png_", "image/png", b"png", "cG5n"),
    ("_repr_pdf_", "application/pdf", b"pdf", "cGRm"),
    ("_repr_jpeg_", "image/jpeg", b"jpeg", "anBlZw=="),
    ("_repr_latex_", "text/latex", "$b$", "$b$"),
    ("_repr_json_", "application/json", {"b": 1}, {"b": 1}),
    ("_repr_javascript_", "application/javascript", "b()", "b()"),
]
Rich: Any = type("Rich", (), {method: answer(returned) for method, _, returned, _ in TABLE})
RICH = {mime: sent for _, mime, _, sent in TABLE}


class Bundle:
    """A mime bundle with metadata, and a method that the bundle makes unneeded."""

    def __repr__(self) -> str:
        return "bundle"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> object:
        data = {"text/html": "from bundle", "application/x+json": {"a": 1}, "image/png": b"png"}
        return data, {"text/html": {"isolated": True}, "image/png": {"width": 1}}

    def _repr_html_(self) -> str:
        return "from method"

    def _repr_latex_(self) -> str:
        return "latex"


class DictWithBundle(dict[str, int]):
    """A subclass of a built-in type, with a text of its own."""

    def _repr_mimebundle_(self, **kwargs: object) -> object:
        return {"text/plain": "from bundle"}


def test_every_method_is_asked(recorder: Recorder) -> None:
    """All the methods of an object are represented, bytes as base64, JSON as an object."""
    assert recorder.formatters.format(Rich()) == (RICH, {})


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["text/html"], None, ["text/html"]),
        (["text/html", "text/plain"], ["text/html"], ["text/plain"]),
        (None, ["text/plain"], [mime for mime in RICH if mime != "text/plain"]),
        ([], [], list(RICH)),
        ("text/latex", None, ["text/latex"]),
        (["text/unknown"], None, []),
    ],
)
def test_types_are_chosen(recorder: Recorder, include: Any, exclude: Any, expected: list[str]) -> None:
    """`include` keeps only its types, `exclude` takes types out and wins; empty ones choose nothing."""
    assert list(recorder.data(Rich(), include=include, exclude=exclude)) == expected


@pytest.mark.parametrize(
    ("include", "exclude", "data", "metadata"),
    [
        (
            None,
            ["image/png"],
            {
                "text/html": "from bundle",
                "application/x+json": {"a": 1},
                "text/plain": "bundle",
                "text/latex": "latex",
            },
            {"text/html": {"isolated": True}},
        ),
        (["image/png"], None, {"image/png": "cG5n"}, {"image/png": {"width": 1}}),
        (["text/plain"], None, {"text/plain": "bundle"}, {}),
    ],
)
def test_a_bundle_comes_before_methods(
    recorder: Recorder, include: Any, exclude: Any, data: object, metadata: object
) -> None:
    """What `_repr_mimebundle_` gives is taken, the rest comes from the methods and the text."""
    assert recorder.formatters.format(Bundle(), include, exclude) == (data, metadata)


def bundle_of(method: Any) -> object:
    """An object with this `_repr_mimebundle_`."""
    kind: Any = type("K", (), {"_repr_mimebundle_": method, "__repr__": lambda self: "k"})
    return kind()


def decorated(method: Any) -> Any:
    """A method behind a wrapper that takes anything."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    "method",
    [
        lambda self: {"text/html": "x"},
        lambda self, **kwargs: {"text/html": "x"},
        lambda self, include, exclude: {"text/html": "x"},
        lambda self, include=None: {"text/html": "x"},
        decorated(lambda self: {"text/html": "x"}),
        lambda self, **kwargs: ({"text/html": "x"}, None),
        lambda self, **kwargs: {"text/html": "x", "text/latex": None},
    ],
)
def test_bundles_are_had_whatever_the_method_takes(recorder: Recorder, method: Any) -> None:
    """`_repr_mimebundle_` may take `include` and `exclude` or not, and return metadata or not."""
    expected = {"text/html": "x", "text/plain": "k"}
    assert (recorder.formatters.format(bundle_of(method)), recorder.errors) == ((expected, {}), [])


def raises(error: Exception) -> Any:
    """A method that raises `error`."""

    def method(self: object, *args: object, **kwargs: object) -> object:
        raise error

    return method


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (raises(TypeError("inside")), "inside"),
        (raises(ValueError("inside")), "inside"),
        (lambda self, **kwargs: 3, "_repr_mimebundle_: got int"),
        (lambda self, **kwargs: ({}, 3), "_repr_mimebundle_: got tuple"),
        (lambda self, **kwargs: {3: "x"}, "_repr_mimebundle_: 3 is no mime type"),
    ],
)
def test_a_bundle_that_fails_is_reported(recorder: Recorder, method: Any, message: str) -> None:
    """An error in `_repr_mimebundle_` is reported once and leaves the other representations."""
    data = recorder.data(bundle_of(method))
    reported = [(mime, text.startswith(message)) for mime, text in recorder.errors]
    assert (data, reported) == ({"text/plain": "k"}, [("_repr_mimebundle_", True)])


def test_bytes_in_a_bundle_that_are_no_text_are_reported(recorder: Recorder) -> None:
    """One value of a bundle that cannot be sent does not lose the others."""
    obj = bundle_of(lambda self, **kwargs: {"text/html": b"\xff", "text/latex": "x"})
    data = recorder.data(obj)
    assert (data, [mime for mime, _ in recorder.errors]) == (
        {"text/latex": "x", "text/plain": "k"},
        ["text/html"],
    )


@pytest.mark.parametrize(
    ("name", "mime"),
    [("_repr_html_", "text/html"), ("_repr_json_", "application/json"), ("__repr__", "text/plain")],
)
def test_a_method_that_fails_is_reported(recorder: Recorder, name: str, mime: str) -> None:
    """An error in one method is reported with its type, and all others come."""
    kind = type("Broken", (Rich,), {name: raises(ValueError("broken"))})
    data = recorder.data(kind())
    expected = {key: value for key, value in RICH.items() if key != mime}
    assert (data, recorder.errors) == (expected, [(mime, "broken")])


@pytest.mark.parametrize("name", ["_repr_html_", "_repr_mimebundle_", "_ipython_display_"])
def test_not_implemented_means_none(recorder: Recorder, name: str) -> None:
    """NotImplementedError says that there is no such representation, and is no error."""
    kind = type("K", (), {name: raises(NotImplementedError()), "__repr__": lambda self: "k"})
    assert (recorder.data(kind()), recorder.errors) == ({"text/plain": "k"}, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_an_interrupt_is_not_swallowed(recorder: Recorder, error: Any) -> None:
    """What stops a cell stops it here too."""
    kind = type("K", (), {"_repr_html_": raises(error)})
    with pytest.raises(type(error)):
        recorder.data(kind())


def test_an_object_may_display_itself(recorder: Recorder) -> None:
    """`_ipython_display_` comes first, and nothing else is asked."""
    calls: list[str] = []

    kind = type("Shows", (Rich,), {"_ipython_display_": lambda self: calls.append("shown")})
    assert (recorder.formatters.format(kind()), calls) == (({}, {}), ["shown"])


def test_an_object_that_fails_to_display_itself(recorder: Recorder) -> None:
    """The error is reported and the object is shown otherwise."""
    kind = type("K", (Rich,), {"_ipython_display_": raises(ValueError("no"))})
    assert (recorder.data(kind()), recorder.errors) == (RICH, [("_ipython_display_", "no")])


class Displays:
    """A class, displayed itself."""

    def _ipython_display_(self) -> None:
        raise AssertionError("called on the class")

    def _repr_html_(self) -> str:
        raise AssertionError("called on the class")


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (Displays, f"{__name__}.Displays"),
        (Rich, f"{__name__}.Rich"),
        (Bundle, f"{__name__}.Bundle"),
        (int, "int"),
    ],
)
def test_a_class_is_shown_as_text(recorder: Recorder, obj: object, expected: str) -> None:
    """Methods are for the instances of a class, not for the class."""
    assert (recorder.data(obj), recorder.errors) == ({"text/plain": expected}, [])


class Magic:
    """Answers to every name, and calls itself magic."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: "boo"

    def __repr__(self) -> str:
        return "magic"


@pytest.mark.parametrize("obj", [Magic(), Mock(), MagicMock(name="m")])
def test_objects_that_answer_everything_are_not_asked(recorder: Recorder, obj: object) -> None:
    """A mock is shown as text, whatever it says it has."""
    assert (recorder.data(obj), recorder.errors) == ({"text/plain": repr(obj)}, [])


def test_a_method_set_on_the_instance_is_asked(recorder: Recorder) -> None:
    """Libraries put methods on single objects."""
    kind: Any = type("K", (), {"__repr__": lambda self: "k"})
    obj = kind()
    obj._repr_html_ = lambda: "own"
    assert recorder.data(obj) == {"text/plain": "k", "text/html": "own"}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (1, "1"),
        ("a\nb", r"'a\nb'"),
        (None, "None"),
        ({2, 1}, "{1, 2}"),
        (list(range(100)), "[" + ",\n ".join(map(str, range(100))) + "]"),
        ({"a": int}, "{'a': int}"),
    ],
)
def test_plain_values_are_text(recorder: Recorder, obj: object, expected: str) -> None:
    """Values of built-in types are text in the layout of `pretty`."""
    assert recorder.formatters.format(obj) == ({"text/plain": expected}, {})


@pytest.mark.parametrize(("include", "exclude"), [(["text/html"], None), (None, ["text/plain"])])
def test_plain_values_may_be_left_out(recorder: Recorder, include: Any, exclude: Any) -> None:
    """The short way obeys `include` and `exclude`."""
    assert recorder.data(1, include=include, exclude=exclude) == {}


def test_long_containers_are_cut() -> None:
    """`max_seq_length` bounds what is shown."""
    assert Recorder(3).data([1, 2, 3, 4]) == {"text/plain": "[1, 2, 3, ...]"}


@pytest.mark.parametrize("obj", [1, [1], {"a": 1}, "text", Rich(), Bundle()])
def test_registered_printers_win(recorder: Recorder, obj: object) -> None:
    """A printer for a class comes before the methods and the bundle, and for plain values too."""
    recorder.formatters.register(type(obj), "text/html", lambda obj: ("registered", {"k": 1}))
    data, metadata = recorder.formatters.format(obj)
    assert (data["text/html"], metadata["text/html"]) == ("registered", {"k": 1})


@pytest.mark.parametrize(("module", "name"), [(__name__, "Rich"), ("builtins", "int"), ("builtins", "object")])
def test_printers_registered_by_name_win(recorder: Recorder, module: str, name: str) -> None:
    """The same by name, and for a base class."""
    recorder.formatters.register_by_name(module, name, "text/html", lambda obj: "registered")
    obj = Rich() if name == "Rich" else 1
    assert recorder.data(obj)["text/html"] == "registered"


def test_a_registered_printer_that_gives_none_ends_the_search(recorder: Recorder) -> None:
    """None from a printer says that there is no such representation, whatever methods there are."""
    recorder.formatters.register(Rich, "text/html", lambda obj: None)
    assert "text/html" not in recorder.data(Rich())


def test_registered_text_wins_over_a_bundle(recorder: Recorder) -> None:
    """A printer for text/plain comes before a bundle; the built-in ones do not."""

    def show(obj: object, p: Layout, cycle: bool) -> None:
        p.text("registered")

    before = recorder.data(DictWithBundle())
    recorder.formatters.register(DictWithBundle, "text/plain", show)
    after = recorder.data(DictWithBundle())
    assert (before, after) == ({"text/plain": "from bundle"}, {"text/plain": "registered"})


@pytest.mark.parametrize("obj", [1, Rich()])
def test_an_unknown_type_can_be_registered(recorder: Recorder, obj: object) -> None:
    """A printer may give a mime type that has no method."""
    recorder.formatters.register(type(obj), "application/vnd.x+json", lambda obj: {"n": 1})
    assert recorder.data(obj)["application/vnd.x+json"] == {"n": 1}


def test_a_printer_may_display_the_object(recorder: Recorder) -> None:
    """A printer registered in the place of `_ipython_display_` shows the object itself."""
    shown: list[object] = []
    recorder.formatters.self_display.for_type(int, shown.append)
    assert (recorder.formatters.format(7), shown) == (({}, {}), [7])


def test_a_printer_may_give_a_bundle(recorder: Recorder) -> None:
    """A printer registered in the place of `_repr_mimebundle_` gives several types."""
    recorder.formatters.bundle.for_type(int, lambda obj: ({"text/html": "n"}, {"text/html": {"k": 1}}))
    assert recorder.formatters.format(7) == ({"text/html": "n", "text/plain": "7"}, {"text/html": {"k": 1}})


def test_the_formatter_of_a_type_is_the_one_used(recorder: Recorder) -> None:
    """What libraries register on `for_mime(...)`, as they know it, is used."""
    latex = recorder.formatters.for_mime("text/latex")
    latex.for_type(float, lambda obj: f"${obj}$")
    found = latex.lookup_by_type(float)(1.5)
    assert (recorder.data(1.5), found) == ({"text/plain": "1.5", "text/latex": "$1.5$"}, "$1.5$")


def test_active_types_can_be_chosen(recorder: Recorder) -> None:
    """Only the active types are asked for; text/plain stays."""
    before = recorder.formatters.active_mimes
    recorder.formatters.active_mimes = ["text/latex"]
    assert (before, recorder.formatters.active_mimes, list(recorder.data(Rich()))) == (
        list(RICH),
        ["text/plain", "text/latex"],
        ["text/plain", "text/latex"],
    )


def test_the_float_format_is_used(recorder: Recorder) -> None:
    """`float_format` reaches the text of floats."""
    recorder.formatters.float_format = "%.2f"
    assert (recorder.data([1.0]), recorder.formatters.float_format) == ({"text/plain": "[1.00]"}, "%.2f")


def test_pandas_gives_html_and_text(recorder: Recorder) -> None:
    """A data frame, which answers to its columns' names, gives a table and text and no error."""
    import pandas as pd

    data = recorder.data(pd.DataFrame({"a": [1]}))
    assert (list(data), recorder.errors) == (["text/plain", "text/html"], [])
