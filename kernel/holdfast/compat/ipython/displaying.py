"""Displaying as libraries reach it through the shell: `display_formatter`, `display_pub`, `displayhook`.

It must never keep printers of its own: what is registered here is what the kernel shows by.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.parts import Part
from holdfast.output import display
from holdfast.output.formatters import Formatters
from holdfast.output.mime_formatters import PLAIN_TEXT, MimeFormatter

__all__ = ["DisplayFormatter", "DisplayHook", "DisplayPublisher", "MimeTable"]


class _Adapter(MimeFormatter):
    """Asks a formatter of a library's for everything, and it comes before an object's own bundle where it says so."""

    def __init__(self, mime: str, foreign: Any) -> None:
        super().__init__(mime, None, current.kernel().formatters.plain.on_error)
        self._foreign = foreign
        self.for_type(object, lambda obj: foreign(obj) if getattr(foreign, "enabled", True) else None)

    def registered(self, obj: object) -> bool:
        """Whether it has a printer for the class of `obj`; one without `lookup` has none."""
        lookup = getattr(self._foreign, "lookup", None)
        try:
            return lookup is not None and lookup(obj) is not None
        except (KeyError, TypeError):
            return False


class MimeTable(Part, MutableMapping[str, Any]):
    """`display_formatter.formatters`: what gives each MIME type; assigning replaces it.

    What is assigned is called with the object and gives the data, (data, metadata) or None; its attribute `enabled`
    says whether it is asked.
    """

    path = "display_formatter.formatters"

    def __init__(self, formatters: Formatters) -> None:
        self._formatters = formatters
        #: As assigned, by MIME type; the kernel has an adapter for each.
        self._foreign: dict[str, Any] = {}

    def __getitem__(self, mime: str) -> Any:
        return self._foreign[mime] if mime in self._foreign else self._formatters.formatters[mime]

    def __setitem__(self, mime: str, formatter: Any) -> None:
        table = self._formatters.formatters
        if isinstance(formatter, MimeFormatter) and type(formatter).__call__ is MimeFormatter.__call__:
            self._foreign.pop(mime, None)
            formatter.format_type = mime
            table[mime] = formatter
            return
        adapter = _Adapter(mime, formatter)
        self._foreign[mime] = formatter
        table[mime] = adapter

    def __delitem__(self, mime: str) -> None:
        """Without the one for text nothing could be shown: that becomes the kernel's own again."""
        self._foreign.pop(mime, None)
        if mime == PLAIN_TEXT:
            self._formatters.formatters[mime] = self._formatters.plain
        else:
            del self._formatters.formatters[mime]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._formatters.formatters))

    def __len__(self) -> int:
        return len(self._formatters.formatters)

    def __repr__(self) -> str:
        return f"<formatters of {', '.join(self)}>"


class DisplayFormatter(Part):
    """`get_ipython().display_formatter`."""

    path = "display_formatter"

    def __init__(self) -> None:
        formatters: Formatters = current.kernel().formatters
        self._formatters = formatters
        self._table = MimeTable(formatters)
        #: What shows an object by itself, and what gives several MIME types at once.
        self.ipython_display_formatter = formatters.self_display
        self.mimebundle_formatter = formatters.bundle

    @property
    def formatters(self) -> MimeTable:
        """What gives each MIME type."""
        return self._table

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        """(data, metadata) by MIME type; both are empty when the object displayed itself."""
        return self._formatters.format(obj, include, exclude)

    @property
    def format_types(self) -> list[str]:
        """The MIME types there are."""
        return list(self._table)

    @property
    def active_types(self) -> list[str]:
        """Those that are asked for."""
        return self._formatters.active_mimes

    @active_types.setter
    def active_types(self, mimes: Iterable[str]) -> None:
        self._formatters.active_mimes = mimes


class DisplayPublisher(Part):
    """`get_ipython().display_pub`."""

    path = "display_pub"

    def __init__(self) -> None:
        self._hooks: list[Callable[[dict[str, Any]], dict[str, Any] | None]] = []

    def publish(
        self,
        data: object,
        metadata: Mapping[str, object] | None = None,
        *,
        transient: Mapping[str, object] | None = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        """Show ready data, keyed by MIME type."""
        buffers = kwargs.get("buffers")
        message = {"msg_type": "update_display_data" if update else "display_data", "content": {"data": data}}
        for hook in tuple(self._hooks):
            if hook(message) is None:
                return
        display.publish_display_data(data, metadata, transient=transient, update=update, buffers=buffers)

    def clear_output(self, wait: bool = False) -> None:
        """Remove what the cell has shown so far."""
        display.clear_output(wait=wait)

    def register_hook(self, hook: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Have `hook(message)` see what is published here; one that returns None keeps it from being shown."""
        self._hooks.append(hook)

    def unregister_hook(self, hook: Callable[[dict[str, Any]], dict[str, Any] | None]) -> bool:
        """Undo that; whether it was registered."""
        if hook not in self._hooks:
            return False
        self._hooks.remove(hook)
        return True


class DisplayHook(Part):
    """`get_ipython().displayhook`: shows a value as that of a cell."""

    path = "displayhook"

    def __call__(self, result: object = None) -> None:
        """Show `result`; nothing for None."""
        sys.displayhook(result)

    @property
    def exec_result(self) -> object:
        """The last value that was shown."""
        return current.kernel().namespace.get("_")

    def flush(self) -> None:
        """Nothing: results let go by themselves when there are too many (HOLDFAST_OUT_LIMIT)."""
