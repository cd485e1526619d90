"""Display classes for what a frontend interprets: JSON, GeoJSON and Javascript.

It must never check or rewrite the content beyond its outer shape: that is the frontend's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.output.mime.content import DisplayObject, TextDisplayObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

__all__ = ["JSON", "GeoJSON", "Javascript"]


class JSON(DisplayObject):
    """A dict or list shown as a tree.

    `expanded` opens the tree, `root` names its top; further keyword arguments go to the metadata.  Text, also
    from a file or an address, is parsed.  TypeError: it is neither dict nor list; ValueError: not JSON.
    """

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | PathLike[str] | None = None,
        expanded: bool = False,
        metadata: Mapping[str, object] | None = None,
        root: str = "root",
        **kwargs: object,
    ) -> None:
        described = {"expanded": expanded, "root": root, **(metadata or {}), **kwargs}
        super().__init__(data=data, url=url, filename=filename, metadata=described)

    def _check_data(self) -> None:
        if isinstance(self.data, str):
            self.data = self._parsed(self.data)
        if self.data is not None and not isinstance(self.data, dict | list):
            raise TypeError(f"{type(self).__name__} shows a dict or a list, not {type(self.data).__name__}")

    def reload(self) -> None:
        """Reads and parses the content again from its file or address, where it has one."""
        super().reload()
        self._check_data()

    def _parsed(self, text: str) -> object:
        from json import JSONDecodeError, loads

        try:
            return loads(text)
        except JSONDecodeError as error:
            where = self.filename or self.url
            source = f"{where!r}" if where else f"the text {text[:40]!r}"
            raise ValueError(
                f"cannot show {type(self).__name__}: {source} is not JSON: {error.msg} "
                f"at line {error.lineno}; pass a dict or a list"
            ) from error

    def _repr_json_(self) -> tuple[object, dict[str, object]]:
        return self.data, dict(self.metadata)


class GeoJSON(JSON):
    """GeoJSON shown as a map; `layer_options` and `url_template` are keyword arguments for the tile layer."""

    def _repr_mimebundle_(self, **_kwargs: object) -> tuple[dict[str, object], dict[str, object]]:
        # Not through _repr_json_: frontends would show the tree and not the map.
        data: dict[str, object] = {"application/geo+json": self.data, "text/plain": repr(self)}
        return data, {"application/geo+json": dict(self.metadata)}

    def _repr_json_(self) -> None:  # type: ignore[override]  # see above
        return None


class Javascript(TextDisplayObject):
    """A script run by the frontend, after the scripts `lib` and the style sheets `css` (addresses).

    TypeError: `lib` or `css` is neither a text nor a list of them.
    """

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | PathLike[str] | None = None,
        lib: str | Iterable[str] | None = None,
        css: str | Iterable[str] | None = None,
    ) -> None:
        self.lib = _addresses("lib", lib)
        self.css = _addresses("css", css)
        super().__init__(data=data, url=url, filename=filename)

    def _repr_javascript_(self) -> str:
        from json import dumps

        parts = [_STYLE_SHEET.replace("ADDRESS", dumps(address)) for address in self.css]
        # Nested, not listed: a library may need the one before it.
        parts += [_LIBRARY.replace("ADDRESS", dumps(address)) for address in self.lib]
        parts.append(str(self.data or ""))
        parts.append("\n});" * len(self.lib))
        return "".join(parts)


_STYLE_SHEET = """{
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.type = "text/css";
  sheet.href = ADDRESS;
  document.head.appendChild(sheet);
}
"""

_LIBRARY = """new Promise((resolve, reject) => {
  const library = document.createElement("script");
  library.onload = resolve;
  library.onerror = reject;
  library.src = ADDRESS;
  document.head.appendChild(library);
}).then(() => {
"""


def _addresses(name: str, value: str | Iterable[str] | None) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    try:
        listed = list(value)
    except TypeError:
        listed = [value]  # type: ignore[list-item]  # named in the message below
    if all(isinstance(address, str) for address in listed):
        return listed
    raise TypeError(f"Javascript takes {name} as an address or a list of addresses, not {value!r}")
