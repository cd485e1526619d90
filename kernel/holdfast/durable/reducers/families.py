"""The table of families: class to the module and function that reduce it; it must never import one of them."""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "holdfast.compat.ipython.parts.Part": "holdfast.compat.ipython.parts:reduced",
    "builtins.method": "builtins:reduce_method",
    "builtins.staticmethod": "builtins:reduce_wrapped",
    "builtins.classmethod": "builtins:reduce_wrapped",
    "builtins.property": "builtins:reduce_property",
    "builtins.code": "builtins:reduce_code",
    "builtins.mappingproxy": "builtins:reduce_proxy",
    "builtins.dict_keys": "builtins:reduce_view",
    "builtins.dict_values": "builtins:reduce_view",
    "builtins.dict_items": "builtins:reduce_view",
    **dict.fromkeys(("builtins.odict_keys", "builtins.odict_values", "builtins.odict_items"), "builtins:reduce_view"),
    "builtins.memoryview": "memory:reduce_memoryview",
    "mmap.mmap": "memory:reduce_mmap",
    "builtins.member_descriptor": "builtins:reduce_descriptor",
    "builtins.getset_descriptor": "builtins:reduce_descriptor",
    "builtins.BaseException": "builtins:reduce_exception",
    "functools._lru_cache_wrapper": "builtins:reduce_cached",
    "dataclasses.Field": "builtins:reduce_field",
    **dict.fromkeys(
        (
            "dataclasses._MISSING_TYPE",
            "dataclasses._FIELD_BASE",
            "dataclasses._HAS_DEFAULT_FACTORY_CLASS",
            "dataclasses._KW_ONLY_TYPE",
        ),
        "builtins:reduce_sentinel",
    ),
    "re.Match": "builtins:reduce_match",
    "_hashlib.HASH": "builtins:reduce_hash",
    "_blake2.blake2b": "builtins:reduce_hash",
    "_blake2.blake2s": "builtins:reduce_hash",
    "builtins.list_iterator": "builtins:reduce_list_iterator",
    **dict.fromkeys(
        (
            f"itertools.{name}"
            for name in (
                "accumulate batched chain combinations combinations_with_replacement compress count cycle "
                "dropwhile "
                "filterfalse islice pairwise permutations product repeat starmap takewhile zip_longest "
                "_tee _tee_dataobject"
            ).split()
        ),
        "builtins:reduce_iterator",
    ),
    "typing.TypeVar": "variables:reduce_variable",
    "typing.ParamSpec": "variables:reduce_variable",
    "typing.TypeVarTuple": "variables:reduce_variable",
    "typing.NewType": "variables:reduce_newtype",
    "typing.ForwardRef": "variables:reduce_forward",
    "typing.TypeAliasType": "variables:reduce_alias",
    "weakref.ReferenceType": "weak:reduce_ref",
    "weakref.ProxyType": "weak:reduce_weak_proxy",
    "weakref.CallableProxyType": "weak:reduce_weak_proxy",
    "weakref.WeakKeyDictionary": "weak:reduce_dictionary",
    "weakref.WeakValueDictionary": "weak:reduce_dictionary",
    "_weakrefset.WeakSet": "weak:reduce_set",
    "_io.TextIOWrapper": "files:reduce_text",
    "_io.FileIO": "files:reduce_raw",
    "_io.BufferedReader": "files:reduce_binary",
    "_io.BufferedWriter": "files:reduce_binary",
    "_io.BufferedRandom": "files:reduce_binary",
    "gzip.GzipFile": "files:reduce_compressed",
    "bz2.BZ2File": "files:reduce_compressed",
    "lzma.LZMAFile": "files:reduce_compressed",
    "holdfast.output.streams.OutputStream": "files:reduce_stream",
    "holdfast.output.streams._Binary": "files:reduce_stream_buffer",
    "sqlite3.Connection": "databases:reduce_connection",
    "sqlite3.Cursor": "databases:reduce_cursor",
    "sqlite3.Row": "databases:reduce_row",
    "_thread.lock": "locks:reduce_lock",
    "_thread.RLock": "locks:reduce_lock",
    "_thread._local": "locks:reduce_local",
    "threading.Thread": "locks:refuse_thread",
    "concurrent.futures._base.Future": "locks:reduce_future",
    "_contextvars.ContextVar": "standard:reduce_context_variable",
    "functools.KeyWrapper": "standard:reduce_key",
    "_struct.Struct": "standard:reduce_struct",
    "_json.Scanner": "standard:reduce_scanner",
    "ctypes.CDLL": "standard:reduce_library",
    "logging.Logger": "loggers:reduce_logger",
    "logging.Handler": "loggers:reduce_handler",
    "numpy.ndarray": "arrays:reduce_array",
    "numpy.memmap": "arrays:reduce_memmap",
    "pandas._libs.internals.BlockValuesRefs": "frames:reduce_refs",
    "pandas._libs.internals.Block": "frames:reduce_block",
    "pandas.core.internals.managers.SingleBlockManager": "frames:reduce_series_manager",
    "pandas.Index": "frames:reduce_index",
    "pandas.core.indexes.base.Index": "frames:reduce_index",
    "polars.dataframe.frame.DataFrame": "frames:reduce_polars",
    "polars.series.series.Series": "frames:reduce_polars",
    "matplotlib.cbook.CallbackRegistry": "figures:reduce_callbacks",
    "matplotlib.backend_bases.FigureCanvasBase": "figures:reduce_canvas",
    "torch.Tensor": "learning:reduce_tensor",
    "torch.storage.UntypedStorage": "learning:reduce_storage",
}
#: What is asked of a value that was stored under another version of its library, before it is taken for kept.
CHECKS: dict[str, str] = dict.fromkeys(
    (
        f"pandas{module}.{name}"
        for name, module in (("DataFrame", ".core.frame"), ("Series", ".core.series"), ("Index", ".core.indexes.base"))
        for module in (module, "")
    ),
    "frames:check",
)
REASONS: dict[str, str] = {
    "ipywidgets.widgets.widget.Widget": "a widget lives in the page that showed it",
    "matplotlib.backend_bases.FigureManagerBase": "its window belongs to the process that ended",
    "comm.base_comm.BaseComm": "a comm ends with the process; its other end is in the page that showed it",
    "builtins.generator": "Python cannot save where a generator stands",
    "builtins.coroutine": "Python cannot save where a coroutine stands",
    "builtins.async_generator": "Python cannot save where a generator stands",
    "builtins.frame": "a frame belongs to a call of the process that ended",
    "builtins.traceback": "a traceback belongs to calls of the process that ended",
    "_socket.socket": "its other end belongs to the process that ended",
    "subprocess.Popen": "a child process belongs to the process that started it",
    "_asyncio.Task": "a task belongs to the event loop of the process that ended",
    "_asyncio.Future": "a future belongs to the event loop of the process that ended",
    "asyncio.events.AbstractEventLoop": "an event loop belongs to its process",
    "concurrent.futures._base.Executor": "its threads or processes belong to the process that ended",
    "multiprocessing.process.BaseProcess": "a child process belongs to the process that started it",
    "_contextvars.Context": "a context belongs to its process",
    "_queue.SimpleQueue": "what waits in a SimpleQueue cannot be seen without taking it out; a queue.Queue is kept",
    "_csv.reader": "Python does not say what a csv reader reads from; read its rows into a list",
    "_csv.writer": "Python does not say what a csv writer writes to; make another on the same file",
    "_ctypes._Pointer": "a pointer leads into the memory of the process that ended",
    "_ctypes.CFuncPtr": "a function pointer leads into the memory of the process that ended",
    "_contextvars.Token": "it belongs to a context of the process that ended",
}
