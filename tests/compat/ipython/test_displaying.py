"""Displaying as libraries reach it through the shell: the kernel shows by what they register."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.shell import TwinKernel
from holdfast.compat.ipython.representing import BaseFormatter, PlainTextFormatter
from holdfast.output import display


class Buoy:
    """A value."""

    def __repr__(self) -> str:
        return "Buoy()"

    def _repr_nautical_(self) -> dict[str, str]:
        return {"light": "Fl R"}


@pytest.fixture
def published(kernel: TwinKernel) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What is displayed."""
    sent: list[tuple[str, dict[str, Any]]] = []
    display.install(lambda kind, content, metadata, buffers: sent.append((kind, content)), kernel.formatters)
    yield sent
    display.uninstall()


def test_printers_that_are_registered_show_values(shell: Any, kernel: TwinKernel) -> None:
    """for_type and for_type_by_name of each formatter are the kernel's."""
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(Buoy, lambda buoy: "<i>buoy</i>")
    formatters["text/latex"].for_type_by_name(__name__, "Buoy", lambda buoy: "$b$")
    formatters["text/plain"].for_type(Buoy, lambda buoy, p, cycle: p.text("a buoy"))
    shown = {"text/plain": "a buoy", "text/html": "<i>buoy</i>", "text/latex": "$b$"}
    try:
        assert kernel.formatters.format(Buoy())[0] == shown
        assert shell.display_formatter.format(Buoy())[0] == shown
        assert Buoy in formatters["text/html"].type_printers
    finally:
        formatters["text/plain"].pop(Buoy)


def test_a_derived_formatter_serves_a_new_mime_type(shell: Any, kernel: TwinKernel) -> None:
    """As pandas adds one for table schema: by a method's name, on and off."""

    class Nautical(BaseFormatter):
        print_method = "_repr_nautical_"
        _return_type = (dict,)

    formatters = shell.display_formatter.formatters
    assert "application/nautical+json" not in formatters
    formatters["application/nautical+json"] = Nautical()
    assert kernel.formatters.format(Buoy())[0]["application/nautical+json"] == {"light": "Fl R"}
    formatters["application/nautical+json"].enabled = False
    assert "application/nautical+json" not in kernel.formatters.format(Buoy())[0]
    del formatters["application/nautical+json"]
    assert "application/nautical+json" not in formatters


def test_traits_of_a_derived_formatter_stand_for_their_values() -> None:
    """pandas writes `print_method = ObjectName("…")`, a trait of traitlets."""
    traits: Any = pytest.importorskip("traitlets")

    class Nautical(BaseFormatter):
        print_method = traits.ObjectName("_repr_nautical_")

    assert Nautical().print_method == "_repr_nautical_"


def test_a_formatter_with_a_call_replaces_text(shell: Any, kernel: TwinKernel) -> None:
    """As rich does it: every value's text, also of built-in types, comes from it, until it is taken out."""

    class Loud(BaseFormatter):
        def __call__(self, obj: object) -> object:
            return repr(obj).upper()

    formatters, loud = shell.display_formatter.formatters, Loud()
    formatters["text/plain"] = loud
    assert formatters["text/plain"] is loud
    assert kernel.formatters.format([Buoy()])[0] == {"text/plain": "[BUOY()]"}
    assert kernel.formatters.format("a")[0] == {"text/plain": "'A'"}
    del formatters["text/plain"]
    assert kernel.formatters.format("a")[0] == {"text/plain": "'a'"}


def test_any_callable_serves(shell: Any, kernel: TwinKernel) -> None:
    """A formatter of the real IPython is no class of ours; what it raises is reported, the rest is shown."""

    def fails(obj: object) -> object:
        raise ValueError("no")

    shell.display_formatter.formatters["text/html"] = fails
    assert kernel.formatters.format(Buoy())[0] == {"text/plain": "Buoy()"}
    assert [(mime, str(error)) for _, mime, error in kernel.failures] == [("text/html", "no")]


def test_active_types(shell: Any, kernel: TwinKernel) -> None:
    """Which MIME types are asked for."""
    display_formatter = shell.display_formatter
    assert "text/html" in display_formatter.active_types
    display_formatter.active_types = ["text/plain", "text/latex"]
    assert display_formatter.active_types == ["text/plain", "text/latex"]
    assert set(display_formatter.format_types) == set(display_formatter.formatters)


def test_objects_that_show_themselves(shell: Any, kernel: TwinKernel) -> None:
    """A function registered for that is called instead of all others."""
    seen: list[object] = []
    shell.display_formatter.ipython_display_formatter.for_type(Buoy, seen.append)
    buoy = Buoy()
    assert kernel.formatters.format(buoy) == ({}, {})
    assert seen == [buoy]


def test_the_publisher_publishes(shell: Any, published: list[tuple[str, dict[str, Any]]]) -> None:
    """Ready data, updates and clear_output."""
    shell.display_pub.publish(data={"text/plain": "x"}, metadata={"k": 1}, transient={"display_id": "d"})
    shell.display_pub.publish({"text/plain": "y"}, update=True, source="old argument")
    shell.display_pub.clear_output(wait=True)
    assert published == [
        ("display_data", {"data": {"text/plain": "x"}, "metadata": {"k": 1}, "transient": {"display_id": "d"}}),
        ("update_display_data", {"data": {"text/plain": "y"}, "metadata": {}, "transient": {}}),
        ("clear_output", {"wait": True}),
    ]


def test_hooks_see_and_keep_messages(shell: Any, published: list[tuple[str, dict[str, Any]]]) -> None:
    """A hook that returns None keeps a message from being shown, until it is taken out."""
    seen: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        seen.append(message["msg_type"])

    shell.display_pub.register_hook(hook)
    shell.display_pub.publish({"text/plain": "x"})
    assert (seen, published) == (["display_data"], [])
    assert shell.display_pub.unregister_hook(hook)
    assert not shell.display_pub.unregister_hook(hook)
    shell.display_pub.publish({"text/plain": "x"})
    assert len(published) == 1


def test_the_displayhook_is_pythons(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calling it shows a value as a cell does."""
    seen: list[object] = []
    monkeypatch.setattr("sys.displayhook", seen.append)
    shell.displayhook(3)
    assert seen == [3]


def test_formatter_classes_format(shell: Any) -> None:
    """Those that `IPython.core.formatters` has work by themselves."""
    formatters = importlib.import_module("IPython.core.formatters")

    class Page:
        def _repr_html_(self) -> str:
            return "<p>"

    assert formatters.HTMLFormatter()(Page()) == "<p>"
    assert formatters.HTMLFormatter()(3) is None
    assert PlainTextFormatter()({"b": 1}) == "{'b': 1}"
    assert formatters.format_display_data(Page())[0]["text/html"] == "<p>"


def test_pretty_of_the_library_is_its_own(shell: Any) -> None:
    """A printer of sympy's, registered for cells' values, calls `IPython.lib.pretty.pretty`: it must not come back."""
    pretty = importlib.import_module("IPython.lib.pretty")
    text = shell.display_formatter.formatters["text/plain"]
    text.for_type(Buoy, lambda buoy, p, cycle: p.text("shown " + pretty.pretty(buoy)))
    try:
        assert shell.display_formatter.format(Buoy())[0]["text/plain"] == "shown Buoy()"
    finally:
        text.pop(Buoy)
