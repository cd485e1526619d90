"""JSON, GeoJSON and Javascript."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.output.mime import JSON, GeoJSON, Javascript


@pytest.mark.parametrize("given", [{"a": [1]}, '{"a": [1]}'])
def test_json_takes_values_and_text(given: object) -> None:
    """A dict is shown as it is; text is parsed; the tree is closed and called root."""
    assert JSON(given)._repr_json_() == ({"a": [1]}, {"expanded": False, "root": "root"})


def test_json_options_are_metadata() -> None:
    """expanded, root, metadata and further options reach the frontend."""
    shown = JSON([1], expanded=True, root="top", metadata={"k": 1}, depth=2)
    assert shown._repr_json_() == ([1], {"expanded": True, "root": "top", "k": 1, "depth": 2})


def test_json_is_read_from_a_file_and_again(tmp_path: Path) -> None:
    """A file is parsed, and parsed anew by reload()."""
    path = tmp_path / "a.json"
    path.write_text("[1]", encoding="utf-8")
    shown = JSON(filename=path)
    path.write_text("[2]", encoding="utf-8")
    assert shown.data == [1]
    shown.reload()
    assert shown.data == [2]


@pytest.mark.parametrize("value", [3, 1.5, {1}])
def test_json_refuses_other_values(value: object) -> None:
    """Only dicts and lists have a tree."""
    with pytest.raises(TypeError, match="JSON shows a dict or a list, not"):
        JSON(value)


def test_json_text_that_does_not_parse_is_quoted() -> None:
    """The error says which text and where it breaks."""
    with pytest.raises(ValueError, match=r"the text '\{oops' is not JSON: .* at line 1"):
        JSON("{oops")


def test_geojson_is_a_map_and_no_tree() -> None:
    """GeoJSON gives its own type, with the layer's options as metadata."""
    shown = GeoJSON({"type": "Feature"}, layer_options={"a": 1}, url_template="t")
    described = {"expanded": False, "root": "root", "layer_options": {"a": 1}, "url_template": "t"}
    assert shown._repr_mimebundle_(include=None, exclude=None) == (
        {"application/geo+json": {"type": "Feature"}, "text/plain": "<GeoJSON object>"},
        {"application/geo+json": described},
    )
    assert shown._repr_json_() is None  # type: ignore[func-returns-value]


def test_javascript_is_left_alone() -> None:
    """A script without libraries is sent as it is."""
    assert Javascript("alert(1)")._repr_javascript_() == "alert(1)"


def test_javascript_waits_for_its_libraries() -> None:
    """Style sheets come first, then each library waits for the one before, then the script runs."""
    script = Javascript("go()", lib=["https://a/1.js", "https://a/2.js"], css="https://a/1.css")
    text = script._repr_javascript_()
    places = [text.index(part) for part in ('"https://a/1.css"', '"https://a/1.js"', '"https://a/2.js"', "go()")]
    assert places == sorted(places)
    assert text.count("new Promise(") == text.count(".then(() => {") == text.count("\n});") == 2
    assert text.endswith("go()\n});\n});")


def test_addresses_cannot_end_their_quotes() -> None:
    """An address is quoted as JavaScript does it."""
    assert r'library.src = "a\"b";' in Javascript("", lib='a"b')._repr_javascript_()


@pytest.mark.parametrize("given", [3, [1], {"a.js": 1, 2: 3}])
def test_javascript_libraries_are_addresses(given: object) -> None:
    """Anything else is a TypeError that names the argument."""
    with pytest.raises(TypeError, match="Javascript takes lib as an address or a list"):
        Javascript("", lib=given)  # type: ignore[arg-type]
