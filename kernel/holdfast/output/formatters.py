"""From an object to a mime bundle: by registered printers, by the object's methods, and as text always.

It must never let one representation that fails take the others with it, and never send anything.

Sources: "Messaging in Jupyter", display_data and mime bundles; the methods are those that the display logic
of notebooks made known (`_repr_html_` and the rest, `_repr_mimebundle_`, `_ipython_display_`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import NoneType

from holdfast.output.mime_formatters import (
    METHODS,
    PLAIN_TEXT,
    MimeFormatter,
    OnError,
    PlainFormatter,
    Render,
    answers_everything,
    find_method,
    sendable,
)
from holdfast.output.pretty import REGISTRY, Registry

__all__ = ["Formatters"]

#: Exactly these have no methods to ask for.
_METHODLESS: frozenset[type] = frozenset(
    {int, str, float, bool, NoneType, list, dict, tuple, set, frozenset, bytes, complex}
)


class Formatters:
    """All representations of objects: the object's own, and those registered by class.

    `on_error(obj, mime, error)` is told of each that raises; `mime` is the method's name for the two methods
    that stand for all types. `max_seq_length`: items of a container shown as text, 0 for all.
    """

    def __init__(self, on_error: OnError, max_seq_length: int = 1000, *, registry: Registry = REGISTRY) -> None:
        self.plain = PlainFormatter(on_error, max_seq_length, registry)
        #: Printers registered here show the object themselves and return nothing.
        self.self_display = MimeFormatter("_ipython_display_", "_ipython_display_", on_error)
        #: Printers registered here return a bundle, or (bundle, metadata).
        self.bundle = MimeFormatter("_repr_mimebundle_", "_repr_mimebundle_", on_error)
        self.formatters: dict[str, MimeFormatter] = {PLAIN_TEXT: self.plain}
        for mime, method in METHODS.items():
            self.formatters[mime] = MimeFormatter(mime, method, on_error)
        self._on_error = on_error

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        """The mime bundle and its metadata, both by mime type; ({}, {}) when the object displayed itself.

        `include`: only these mime types; `exclude`: not these, which wins. Registered printers come before
        the object's methods, and `_repr_mimebundle_` before the methods for one type.
        """
        include = (include,) if isinstance(include, str) else include
        exclude = (exclude,) if isinstance(exclude, str) else exclude
        methods = type(obj) not in _METHODLESS
        if not methods and not self._any_registered():
            text = self.plain.represent(obj) if _wanted(PLAIN_TEXT, include, exclude) else None
            return ({} if text is None else {PLAIN_TEXT: text[0]}), {}
        methods = methods and not answers_everything(obj)
        if self._displayed_itself(obj, methods):
            return {}, {}
        data, metadata = self._bundle_of(obj, methods, include, exclude)
        for mime, formatter in tuple(self.formatters.items()):
            if not _wanted(mime, include, exclude) or (mime in data and not formatter.registered(obj)):
                continue
            made = formatter.represent(obj, methods)
            if made is None:
                continue
            data[mime] = made[0]
            if made[1]:
                metadata[mime] = made[1]
        return data, metadata

    def register(self, kind: type, mime: str, render: Render) -> None:
        """Use `render(obj)` for a class and its subclasses; for text/plain `(obj, p, cycle)`."""
        self.for_mime(mime).for_type(kind, render)

    def register_by_name(self, module: str, qualname: str, mime: str, render: Render) -> None:
        """Like `register` for a class whose module is not imported yet, and is not imported by this."""
        self.for_mime(mime).for_type_by_name(module, qualname, render)

    def for_mime(self, mime: str) -> MimeFormatter:
        """What gives a mime type; made, with nothing registered, for a type that was not known."""
        formatter = self.formatters.get(mime)
        if formatter is None:
            formatter = self.formatters[mime] = MimeFormatter(mime, None, self._on_error)
        return formatter

    @property
    def active_mimes(self) -> list[str]:
        """The mime types asked for, in the order they are asked; text/plain cannot be taken out."""
        return [mime for mime, formatter in self.formatters.items() if formatter.enabled]

    @active_mimes.setter
    def active_mimes(self, mimes: Iterable[str]) -> None:
        active = {PLAIN_TEXT, *mimes}
        for mime, formatter in self.formatters.items():
            formatter.enabled = mime in active

    @property
    def float_format(self) -> str:
        """How text/plain shows floats, as `%.3f`; empty for their `repr`. ValueError when it cannot be."""
        return self.plain.float_format

    @float_format.setter
    def float_format(self, value: str) -> None:
        self.plain.float_format = value

    def _any_registered(self) -> bool:
        """Whether anything but text/plain has printers: `pretty` looks for those itself."""
        for formatter in (self.self_display, self.bundle, *self.formatters.values()):
            if formatter is not self.plain and (formatter.type_printers or formatter.deferred_printers):
                return True
        return False

    def _displayed_itself(self, obj: object, methods: bool) -> bool:
        """Whether a registered printer or `_ipython_display_` showed the object; not when that raised."""
        way = self.self_display
        try:
            if way.registered(obj):
                way.lookup(obj)(obj)
                return True
            method = find_method(obj, "_ipython_display_") if methods else None
            if method is None:
                return False
            method()
        except NotImplementedError:
            return False
        except Exception as error:
            self._on_error(obj, way.format_type, error)
            return False
        return True

    def _bundle_of(
        self, obj: object, methods: bool, include: Collection[str] | None, exclude: Collection[str] | None
    ) -> tuple[dict[str, object], dict[str, object]]:
        """What `_repr_mimebundle_`, or a printer registered in its place, gives of the types wanted."""
        try:
            if self.bundle.registered(obj):
                answer = self.bundle.lookup(obj)(obj)
            else:
                method = find_method(obj, "_repr_mimebundle_") if methods else None
                if method is None:
                    return {}, {}
                answer = _call_with_types(method, include, exclude)
            data, metadata = _split_bundle(answer)
        except NotImplementedError:
            return {}, {}
        except Exception as error:
            self._on_error(obj, self.bundle.format_type, error)
            return {}, {}
        kept: dict[str, object] = {}
        for mime, value in data.items():
            if _wanted(mime, include, exclude):
                try:
                    kept[mime] = sendable(mime, value)
                except Exception as error:
                    self._on_error(obj, mime, error)
        return kept, {key: value for key, value in metadata.items() if _wanted(key, include, exclude)}


def _wanted(mime: str, include: Collection[str] | None, exclude: Collection[str] | None) -> bool:
    return (not include or mime in include) and (not exclude or mime not in exclude)


def _call_with_types(method: Render, include: Collection[str] | None, exclude: Collection[str] | None) -> object:
    """Call `_repr_mimebundle_`, also where it takes no `include` and `exclude`."""
    try:
        return method(include=include, exclude=exclude)
    except TypeError as error:
        # Without a further frame the call itself was refused: nothing of the method has run. The message is
        # for decorated methods, where the refusal comes from further in.
        refused = error.__traceback__ is None or error.__traceback__.tb_next is None
        if not refused and "unexpected keyword argument" not in str(error):
            raise
    return method()


def _split_bundle(answer: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """(data, metadata) from what `_repr_mimebundle_` returned; TypeError when it is no bundle."""
    if answer is None:
        return {}, {}
    data, metadata = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(data, Mapping) or not isinstance(metadata, (Mapping, NoneType)):
        raise TypeError(
            f"_repr_mimebundle_: got {type(answer).__name__}; return a dict by mime type, or (dict, metadata)"
        )
    for mime in data:
        if not isinstance(mime, str):
            raise TypeError(f"_repr_mimebundle_: {mime!r} is no mime type; use strings as keys")
    return {mime: value for mime, value in data.items() if value is not None}, metadata or {}
