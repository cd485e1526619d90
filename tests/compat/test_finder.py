"""`when_imported`: called after the import, and the import is as it would be without it."""

from __future__ import annotations

import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import pkgutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from holdfast.compat import finder
from holdfast.compat.finder import when_imported


@pytest.fixture(autouse=True)
def _installed_for_one_test() -> Iterator[None]:
    """Nothing waits before or after a test."""
    finder.uninstall()
    yield
    finder.uninstall()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Path]]:
    """Writes modules into a folder on sys.path; they are unloaded after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(path: str, text: str) -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return target

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


Place = Callable[[str, str], Path]


def test_a_callback_runs_after_the_modules_code(place: Place) -> None:
    """The callback sees the finished module, before the import statement ends."""
    place("hf_a.py", "x = 1")
    seen: list[object] = []
    when_imported("hf_a", lambda module: seen.append(vars(module)["x"]))
    assert seen == []
    importlib.import_module("hf_a")
    assert seen == [1]


def test_a_loaded_module_is_reported_at_once() -> None:
    """What is imported already is handed to the callback by when_imported."""
    seen: list[ModuleType] = []
    when_imported("sys", seen.append)
    assert seen == [sys]


def test_a_blocked_module_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in sys.modules, which forbids an import, is no module."""
    monkeypatch.setitem(sys.modules, "hf_blocked", None)
    when_imported("hf_blocked", lambda module: pytest.fail("called"))
    with pytest.raises(ImportError):
        importlib.import_module("hf_blocked")


def test_callbacks_run_in_order(place: Place) -> None:
    """Several callbacks for one name run as they were registered."""
    place("hf_a.py", "")
    seen: list[str] = []
    when_imported("hf_a", lambda module: seen.append("first"))
    when_imported("hf_a", lambda module: seen.append("second"))
    importlib.import_module("hf_a")
    assert seen == ["first", "second"]


def test_a_reload_is_reported_again(place: Place) -> None:
    """A reload undoes what the callback did, so it is called again."""
    place("hf_a.py", "x = 1")
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    module = importlib.import_module("hf_a")
    assert importlib.reload(module) is module
    assert seen == [module, module]
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader


def test_a_reload_of_a_module_imported_before_is_reported(place: Place) -> None:
    """The name may have been registered after the first import."""
    place("hf_a.py", "x = 1")
    module = importlib.import_module("hf_a")
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    importlib.reload(module)
    assert seen == [module, module]


def test_the_module_is_as_without_us(place: Place) -> None:
    """Loader, spec and origin are the real ones, also while the module's code runs."""
    path = place("hf_a.py", "kind = type(__loader__).__name__, type(__spec__.loader).__name__")
    when_imported("hf_a", lambda module: None)
    module = importlib.import_module("hf_a")
    assert vars(module)["kind"] == ("SourceFileLoader", "SourceFileLoader")
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    assert (module.__file__, module.__spec__.origin) == (str(path), str(path))


def test_find_spec_finds_what_it_would_find(place: Place) -> None:
    """Looking a module up imports nothing, reports nothing, and shows a loader of the usual class."""
    path = place("hf_a.py", "x = 1")
    when_imported("hf_a", lambda module: pytest.fail("called"))
    spec = importlib.util.find_spec("hf_a")
    assert spec is not None
    assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    assert (spec.origin, spec.loader.get_source("hf_a")) == (str(path), "x = 1")
    assert copy.copy(spec.loader).path == str(path)
    assert "hf_a" not in sys.modules


def test_find_spec_of_nothing_is_none() -> None:
    """A module that does not exist still does not exist."""
    when_imported("hf_nowhere", lambda module: pytest.fail("called"))
    assert importlib.util.find_spec("hf_nowhere") is None
    with pytest.raises(ModuleNotFoundError, match="No module named 'hf_nowhere'"):
        importlib.import_module("hf_nowhere")


def test_a_module_made_from_a_spec_beside_the_import_is_not_reported(place: Place) -> None:
    """A private copy is not an import; one put into sys.modules is."""
    place("hf_a.py", "x = 1")
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    for put in (False, True):
        spec = importlib.util.find_spec("hf_a")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        if put:
            sys.modules["hf_a"] = module
        spec.loader.exec_module(module)
        assert vars(module)["x"] == 1
    assert seen == [module]


def test_a_lazily_loaded_module_is_reported_when_it_is_loaded(place: Place) -> None:
    """importlib's LazyLoader runs the code at first use."""
    place("hf_a.py", "x = 1")
    seen: list[str] = []
    when_imported("hf_a", lambda module: seen.append(module.__name__))
    spec = importlib.util.find_spec("hf_a")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules["hf_a"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert seen == []
    assert module.x == 1
    assert seen == ["hf_a"]


def test_packages_and_submodules_are_reported(place: Place) -> None:
    """A dotted name waits for the submodule; pkgutil sees the package as before."""
    place("hf_p/__init__.py", "")
    place("hf_p/inner.py", "")
    seen: list[str] = []
    for name in ("hf_p.inner", "hf_p"):
        when_imported(name, lambda module: seen.append(module.__name__))
    importlib.import_module("hf_p.inner")
    assert seen == ["hf_p", "hf_p.inner"]
    assert [info.name for info in pkgutil.walk_packages(sys.modules["hf_p"].__path__, "hf_p.")] == ["hf_p.inner"]


def test_resources_of_a_package_are_found(place: Place) -> None:
    """pkgutil.get_data works through the spec's loader, imported or not."""
    place("hf_p/__init__.py", "")
    place("hf_p/data.txt", "data")
    when_imported("hf_p", lambda module: None)
    assert pkgutil.get_data("hf_p", "data.txt") == b"data"


def test_a_namespace_package_is_left_alone(place: Place) -> None:
    """A folder without code stays a namespace package; it has no code to wait for."""
    place("hf_n/inner.py", "x = 1")
    when_imported("hf_n", lambda module: pytest.fail("called"))
    spec = importlib.util.find_spec("hf_n")
    assert spec is not None
    assert spec.loader is None or isinstance(spec.loader, importlib.machinery.NamespaceLoader)
    assert importlib.import_module("hf_n.inner").x == 1
    module = sys.modules["hf_n"]
    assert isinstance(module.__loader__, importlib.machinery.NamespaceLoader)
    assert getattr(module, "__file__", None) is None


def test_a_zip_import_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two modules of one zip file share a loader; each is reported once, and reads its data."""
    archive = tmp_path / "hf.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hf_z1.py", "x = 1")
        file.writestr("hf_z2.py", "x = 2")
    monkeypatch.syspath_prepend(archive)
    for name in ("hf_z1", "hf_z2"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    seen: list[int] = []
    when_imported("hf_z1", lambda module: seen.append(vars(module)["x"]))
    assert importlib.import_module("hf_z1").x == 1
    assert importlib.import_module("hf_z2").x == 2
    assert seen == [1]
    for name in ("hf_z1", "hf_z2"):
        del sys.modules[name]


def test_a_builtin_module_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that is a class, shared by all built-in modules, is handed on as well."""
    monkeypatch.delitem(sys.modules, "_locale", raising=False)
    seen: list[str] = []
    when_imported("_locale", lambda module: seen.append(module.__name__))
    module = importlib.import_module("_locale")
    assert seen == ["_locale"]
    assert module.__spec__ is not None
    assert not isinstance(vars(module.__spec__)["loader"], finder._Loader)


def test_a_failing_import_fails_as_before(place: Place) -> None:
    """The module's error comes through, nothing is reported, and a later import may succeed."""
    path = place("hf_a.py", "raise ZeroDivisionError('mine')")
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    with pytest.raises(ZeroDivisionError, match="mine"):
        importlib.import_module("hf_a")
    assert (seen, "hf_a" in sys.modules) == ([], False)
    path.write_text("fixed = 'now it is longer'", encoding="utf-8")
    importlib.invalidate_caches()
    module = importlib.import_module("hf_a")
    assert seen == [module]


def test_a_failing_callback_does_not_fail_the_import(place: Place) -> None:
    """The error goes to on_error with the name; the next callback runs; without on_error it is dropped."""
    place("hf_a.py", "x = 1")
    error = RuntimeError("ours")
    reported: list[tuple[str, Exception]] = []

    def fail(module: ModuleType) -> None:
        raise error

    seen: list[ModuleType] = []
    when_imported("hf_a", fail)
    when_imported("hf_a", fail, on_error=lambda *report: reported.append(report))
    when_imported("hf_a", seen.append)
    module = importlib.import_module("hf_a")
    assert (reported, seen) == ([("hf_a", error)], [module])


def test_a_callback_may_be_interrupted(place: Place) -> None:
    """Ctrl-C is the user's, and not an error of the callback."""
    place("hf_a.py", "")

    def interrupt(module: ModuleType) -> None:
        raise KeyboardInterrupt

    when_imported("hf_a", interrupt, on_error=lambda name, error: pytest.fail("reported"))
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module("hf_a")


def test_a_module_may_replace_itself(place: Place) -> None:
    """The callback gets what the import statement gives."""
    place("hf_a.py", "import sys, types; sys.modules[__name__] = types.SimpleNamespace(x=3)")
    seen: list[object] = []
    when_imported("hf_a", seen.append)
    assert importlib.import_module("hf_a").x == 3
    assert seen == [sys.modules["hf_a"]]


def test_modules_that_import_each_other_are_each_reported_once(place: Place) -> None:
    """A circle of imports does not confuse the order: the inner module ends first."""
    place("hf_a.py", "import hf_b; x = 1")
    place("hf_b.py", "import hf_a; y = 2")
    seen: list[str] = []
    for name in ("hf_a", "hf_b"):
        when_imported(name, lambda module: seen.append(module.__name__))
    importlib.import_module("hf_a")
    assert seen == ["hf_b", "hf_a"]


def test_a_callback_may_import_and_wait(place: Place) -> None:
    """A callback may import other modules and register further names."""
    place("hf_a.py", "")
    place("hf_b.py", "")
    seen: list[str] = []

    def follow(module: ModuleType) -> None:
        when_imported("hf_b", lambda module: seen.append(module.__name__))
        importlib.import_module("hf_b")

    when_imported("hf_a", follow)
    importlib.import_module("hf_a")
    assert seen == ["hf_b"]


def test_other_hooks_that_ask_importlib_do_not_loop(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder that itself looks the module up through importlib is served, and asked once."""
    place("hf_a.py", "x = 1")
    asked: list[str] = []

    class Hook(importlib.abc.MetaPathFinder):
        def find_spec(
            self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
        ) -> importlib.machinery.ModuleSpec | None:
            if fullname != "hf_a" or asked:
                return None
            asked.append(fullname)
            return importlib.util.find_spec(fullname)

    monkeypatch.setattr(sys, "meta_path", [Hook(), *sys.meta_path])
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    assert seen == [] == asked
    module = importlib.import_module("hf_a")
    assert (seen, asked) == ([module], ["hf_a"])


def test_a_finder_of_an_old_kind_is_passed_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of sys.meta_path without find_spec is skipped, as importlib does."""
    place("hf_a.py", "")
    monkeypatch.setattr(sys, "meta_path", [object(), *sys.meta_path])
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    assert [importlib.import_module("hf_a")] == seen


def test_two_threads_report_once(place: Place) -> None:
    """Two threads that import one module at once get the same module, reported once."""
    place("hf_a.py", "import decimal, fractions")
    seen: list[ModuleType] = []
    when_imported("hf_a", seen.append)
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        importlib.import_module("hf_a")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [sys.modules["hf_a"]]


def test_other_names_cost_a_look_into_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a name that nobody waits for no other finder is asked."""
    when_imported("hf_a", lambda module: None)
    ours = sys.meta_path[0]
    monkeypatch.setattr(sys, "meta_path", [ours, None])
    assert ours.find_spec("hf_other", None) is None


def test_it_stands_first_and_once() -> None:
    """However many names wait, there is one finder, at the head; it comes back when it was removed."""
    for name in ("hf_a", "hf_b"):
        when_imported(name, lambda module: None)
    ours = [entry for entry in sys.meta_path if type(entry).__module__ == finder.__name__]
    assert ours == sys.meta_path[:1]
    sys.meta_path.remove(ours[0])
    when_imported("hf_c", lambda module: None)
    assert sys.meta_path[0] is ours[0]


def test_uninstall_forgets(place: Place) -> None:
    """After uninstall nothing is called and sys.meta_path is as before."""
    before = list(sys.meta_path)
    place("hf_a.py", "")
    when_imported("hf_a", lambda module: pytest.fail("called"))
    finder.uninstall()
    importlib.import_module("hf_a")
    assert sys.meta_path == before


def test_it_imports_nothing() -> None:
    """Waiting for a module imports neither that module nor importlib's Python parts."""
    code = (
        "import sys; import holdfast.compat; before = set(sys.modules);"
        "from holdfast.compat.finder import when_imported; when_imported('json', print);"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['holdfast.compat.finder']"
