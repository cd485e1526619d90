"""What gives one mime type of an object: printers registered by class, and a method's name.

It must never raise for what an object raises, and never ask an object that answers to every name.

Rejected: asking for the methods on the class only. Libraries set them on instances, and proxies answer for
what they wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

from holdfast.output.pretty import Layout, Registry, pretty
from holdfast.output.pretty.objects import class_of

__all__ = [
    "METHODS",
    "PLAIN_TEXT",
    "MimeFormatter",
    "OnError",
    "PlainFormatter",
    "Render",
    "answers_everything",
    "find_method",
    "sendable",
]

#: Makes a representation: `render(obj)`, for text/plain `render(obj, p, cycle)`.
#: Any: each takes objects of a class of its own.
type Render = Callable[..., Any]

#: Told of each representation that raised: the object, the mime type or the method's name, the error.
type OnError = Callable[[object, str, Exception], object]

#: What a representation is: data that can be sent as JSON, and its metadata.
type Made = tuple[object, dict[str, object]]

PLAIN_TEXT = "text/plain"

#: The methods asked, in this order, and the mime types they give.
METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "application/pdf": "_repr_pdf_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}
_BINARY = frozenset({"image/png", "image/jpeg", "application/pdf"})
_TEXT = frozenset(METHODS) - _BINARY - {"application/json"}

#: An object that says it has this attribute says so of every name, and its answers mean nothing.
_CANARY = "_ipython_canary_method_should_not_exist_"


def find_method(obj: object, name: str) -> Render | None:
    """The method of `obj`; None when there is none, when looking raises, and for a plain method of a class.

    A class shown is not an instance: only what is bound to it (by `classmethod` or its metaclass) is called.
    """
    try:
        method: Render | None = getattr(obj, name, None)
    except Exception:
        return None
    if not callable(method) or (isinstance(obj, type) and not isinstance(method, MethodType)):
        return None
    return method


def answers_everything(obj: object) -> bool:
    """Whether `obj` makes up attributes (mocks, remote proxies), or raises when asked for one it has not."""
    try:
        return getattr(obj, _CANARY, None) is not None
    except Exception:
        return True


class MimeFormatter:
    """What gives one mime type: printers registered by class, and a method's name (None for no method).

    Libraries get it as `display_formatter.formatters[mime]`. It must be told of errors where to report them.
    """

    def __init__(self, mime: str, print_method: str | None, on_error: OnError) -> None:
        self.format_type = mime
        self.print_method = print_method
        self.enabled = True
        self.type_printers: dict[type, Render] = {}
        self.deferred_printers: dict[tuple[str, str], Render] = {}
        self.on_error = on_error

    def __call__(self, obj: object) -> object:
        """The data, or (data, metadata), or None when there is no such representation or it raised."""
        made = self.represent(obj, not answers_everything(obj))
        if made is None:
            return None
        return made if made[1] else made[0]

    def __contains__(self, kind: type | str) -> bool:
        return self._find(kind) is not None

    def for_type(self, kind: type | str, render: Render | None = None) -> Render | None:
        """Register `render(obj)` for a class (or its dotted name) and its subclasses.

        Returns what was found for it before; with None, nothing changes.
        """
        if isinstance(kind, str):
            module, _, name = kind.rpartition(".")
            return self.for_type_by_name(module, name, render)
        before = self._find(kind)
        if render is not None:
            self.type_printers[kind] = render
        return before

    def for_type_by_name(self, module: str, name: str, render: Render | None = None) -> Render | None:
        """Like `for_type` for a class whose module is not imported yet, and is not imported by this."""
        before = self._find(f"{module}.{name}")
        if render is not None:
            self._forget_name(module, name)
            self.deferred_printers[module, name] = render
        return before

    def lookup_by_type(self, kind: type | str) -> Render:
        """What is registered for a class (or its dotted name); KeyError when nothing is."""
        found = self._find(kind)
        if found is None:
            raise KeyError(f"no printer for {kind!r} is registered with {self.format_type}")
        return found

    def lookup(self, obj: object) -> Render:
        """What is registered for the class of `obj`; KeyError when nothing is."""
        return self.lookup_by_type(class_of(obj))

    def pop(self, kind: type | str, *default: Render | None) -> Render | None:
        """Forget and return what is registered for exactly this class; else `default`, else KeyError."""
        if isinstance(kind, str):
            module, _, name = kind.rpartition(".")
            render = self._forget_name(module, name)
        else:
            self._own(kind)  # moves one that was registered by name
            render = self.type_printers.pop(kind, None)
        if render is not None:
            return render
        if not default:
            raise KeyError(f"no printer for {kind!r} is registered with {self.format_type}")
        return default[0]

    def registered(self, obj: object) -> bool:
        """Whether somebody registered a printer for the class of `obj`."""
        return bool(self.type_printers or self.deferred_printers) and self._find(class_of(obj)) is not None

    def represent(self, obj: object, methods: bool) -> Made | None:
        """The representation, by a registered printer, else by the method if `methods` says it may be asked.

        None when there is none; what raises is reported, except NotImplementedError, which means the same.
        """
        if not self.enabled:
            return None
        try:
            if self.type_printers or self.deferred_printers:
                render = self._find(class_of(obj))
                if render is not None:
                    return self.checked(render(obj))
            method = find_method(obj, self.print_method) if methods and self.print_method else None
            return None if method is None else self.checked(method())
        except NotImplementedError:
            return None
        except Exception as error:
            self.on_error(obj, self.format_type, error)
            return None

    def checked(self, answer: object) -> Made | None:
        """Split (data, metadata) and make the data sendable; TypeError when it is of the wrong type."""
        if answer is None:
            return None
        data, metadata = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        if data is None:
            return None
        mime = self.format_type
        data = sendable(mime, data)
        if mime == "application/json":
            wanted: tuple[type, ...] = (dict, list)
        else:
            wanted = (str,) if mime in _TEXT or mime in _BINARY else (object,)
        if not isinstance(data, wanted):
            names = " or ".join(kind.__name__ for kind in wanted)
            raise TypeError(f"{mime}: got {type(data).__name__}, wanted {names}; return that or None")
        if metadata is not None and not isinstance(metadata, Mapping):
            raise TypeError(f"{mime}: got metadata of type {type(metadata).__name__}; return a dict or None")
        return data, dict(metadata or {})

    def _find(self, kind: type | str) -> Render | None:
        if not isinstance(kind, str):
            found = (self._own(base) for base in kind.__mro__)
            return next((render for render in found if render is not None), None)
        module, _, name = kind.rpartition(".")
        if (module, name) in self.deferred_printers:
            return self.deferred_printers[module, name]
        known = (base for base in self.type_printers if (module, name) in _names(base))
        return next((self.type_printers[base] for base in known), None)

    def _own(self, kind: type) -> Render | None:
        """What is registered for exactly this class; one found by name is kept from now on."""
        render = self.type_printers.get(kind)
        if render is None and self.deferred_printers:
            for key in _names(kind):
                render = self.deferred_printers.pop(key, None)
                if render is not None:
                    self.type_printers[kind] = render
                    break
        return render

    def _forget_name(self, module: str, name: str) -> Render | None:
        render = self.deferred_printers.pop((module, name), None)
        for kind in [kind for kind in self.type_printers if (module, name) in _names(kind)]:
            render = self.type_printers.pop(kind)
        return render


class PlainFormatter(MimeFormatter):
    """text/plain: printers are `render(obj, p, cycle)` and stand in a pretty registry; always enabled."""

    def __init__(self, on_error: OnError, max_seq_length: int, registry: Registry) -> None:
        super().__init__(PLAIN_TEXT, "_repr_pretty_", on_error)
        self.registry = registry
        self.max_width = 79
        self.max_seq_length = max_seq_length
        self._float_format = ""
        #: Whether values are laid out; else their `repr` is shown (`%pprint`).
        self.pprint = True
        # Shared, not copied: what libraries read here is what `pretty` uses.
        self.type_printers = registry.types
        self.deferred_printers = registry.deferred

    @property
    def float_format(self) -> str:
        """How floats are shown, as `%.3f`; empty for their `repr`. ValueError when it formats no float."""
        return self._float_format

    @float_format.setter
    def float_format(self, value: str) -> None:
        try:
            if value:
                value % 3.14
        except Exception as error:
            raise ValueError(f"float format {value!r} cannot format a float; use one as '%.3f'") from error
        self.registry.forget(float)
        self.registry.forget_name("numpy", "float64")
        self._float_format = value
        if value:
            self.registry.for_type(float, self._show_float)
            self.registry.for_type_by_name("numpy", "float64", self._show_float)

    def for_type(self, kind: type | str, render: Render | None = None) -> Render | None:
        """Register `render(obj, p, cycle)` for a class (or its dotted name) and its subclasses."""
        if isinstance(kind, str):
            return super().for_type(kind, render)
        before = self.registry.find(kind)
        self.registry.for_type(kind, render)
        return before

    def for_type_by_name(self, module: str, name: str, render: Render | None = None) -> Render | None:
        """Like `for_type` for a class whose module is not imported yet, and is not imported by this."""
        before = self._find(f"{module}.{name}")
        if render is not None:
            self.registry.forget_name(module, name)
            self.registry.for_type_by_name(module, name, render)
        return before

    def pop(self, kind: type | str, *default: Render | None) -> Render | None:
        """Forget what is registered for exactly this class; built-in types get their own printers again."""
        if isinstance(kind, str):
            module, _, name = kind.rpartition(".")
            render = self._find(kind)
            self.registry.forget_name(module, name)
        else:
            render = self.registry.own(kind)
            self.registry.forget(kind)
        if render is not None:
            return render
        if not default:
            raise KeyError(f"no printer for {kind!r} is registered with {self.format_type}")
        return default[0]

    def registered(self, obj: object) -> bool:
        """Whether somebody registered a printer for the class of `obj`; the built-in ones do not count."""
        return self.registry.is_custom(class_of(obj))

    def represent(self, obj: object, methods: bool = True) -> Made | None:
        """The text; None when showing the object raised, which is reported."""
        try:
            return self.text(obj), {}
        except Exception as error:
            self.on_error(obj, PLAIN_TEXT, error)
            return None

    def text(self, obj: object) -> str:
        """The text; raises what the object's `repr` raises."""
        if not self.pprint:
            return repr(obj)
        return pretty(obj, max_width=self.max_width, max_seq_length=self.max_seq_length, registry=self.registry)

    def _own(self, kind: type) -> Render | None:
        return self.registry.own(kind)

    def _show_float(self, obj: float, p: Layout, cycle: bool) -> None:
        p.text(self._float_format % obj)


def sendable(mime: str, data: object) -> object:
    """`data` as JSON can carry it: bytes as text (text types) or base64 without newlines, `str` exactly.

    Only the outermost value is looked at. Subclasses of `str` (markup types) cannot be encoded as they are.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        if mime in _TEXT or mime.startswith("text/"):
            return str(data, "utf-8")
        from binascii import b2a_base64

        return b2a_base64(data, newline=False).decode("ascii")
    if isinstance(data, str) and type(data) is not str:
        return str.__str__(data)
    return data


def _names(kind: type) -> tuple[tuple[str, str], ...]:
    """The (module, name) pairs a class answers to; a metaclass may give anything, or raise."""
    try:
        return (kind.__module__, kind.__qualname__), (kind.__module__, kind.__name__)
    except Exception:
        return ()
