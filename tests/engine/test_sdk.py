"""Resonate's SDK comes in when it is needed, without what it does not need."""

from __future__ import annotations

import json
import subprocess
import sys

HEAD = """
import json, sys, tempfile, os, importlib.util
from holdfast.engine.embedded import EmbeddedEngine
folder = tempfile.TemporaryDirectory()
engine = EmbeddedEngine(os.path.join(folder.name, "s.sqlite"), lambda: 0, durability="process", create=True)
def loaded():
    return [name for name in ("resonate", "sqlite3", "aiohttp", "pydantic", "asyncio.runners") if name in sys.modules]
"""


def ran(program: str) -> object:
    """What the program printed as JSON, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HEAD + program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_engine_that_nobody_asks_imports_nothing() -> None:
    """Neither the SDK nor SQLite."""
    assert ran("print(json.dumps([n for n in loaded() if n != 'asyncio.runners']))") == []


def test_looking_for_open_prompts_needs_no_sdk() -> None:
    """`holdfast prompts` is quick; nor do waiting and leases need it."""
    program = (
        "engine.list_open(); engine.lease('a', 'b', 5); print(json.dumps('resonate' in sys.modules)); engine.close()"
    )
    assert ran(program) is False


def test_the_first_promise_imports_the_sdk_without_the_http_client() -> None:
    """105 ms would become part of the first prompt."""
    program = "engine.create('a'); print(json.dumps(['aiohttp' in loaded(), 'resonate' in loaded()])); engine.close()"
    assert ran(program) == [False, True]


def test_durable_functions_do_not_import_it_either() -> None:
    """They run in this process."""
    program = """
async def job(ctx): return 1
engine.functions.register(job)
assert engine.functions.run("a", job).result(30) == 1
print(json.dumps([name for name in ("aiohttp", "pydantic") if name in sys.modules])); engine.close()
"""
    assert ran(program) == []


def test_the_users_import_finds_the_real_client() -> None:
    """Before and after, from a thread during it, and from the SDK's own modules."""
    program = """
engine.create("a")
assert "aiohttp" not in sys.modules
import resonate.connections.http as http
session = http.aiohttp.ClientSession
import aiohttp
import aiohttp.web
assert session is aiohttp.ClientSession and aiohttp.__file__
print(json.dumps(type(aiohttp).__name__)); engine.close()
"""
    assert ran(program) == "module"


def test_models_are_known_once_the_user_has_them() -> None:
    """The SDK would import pydantic wherever it is installed; ours waits until the user's code has."""
    program = """
with open(os.path.join(folder.name, "pydantic.py"), "w") as file:
    file.write("class BaseModel:\\n    def model_dump(self, mode): return {'n': 5}\\n")
sys.path.insert(0, folder.name)
engine.create("a")
before = "pydantic" in sys.modules
import pydantic
async def job(ctx): return pydantic.BaseModel()
engine.functions.register(job)
print(json.dumps([before, engine.functions.run("b", job).result(30)])); engine.close()
"""
    assert ran(program) == [False, {"n": 5}]


def test_a_client_that_is_loaded_is_used() -> None:
    """Nothing is put in its place."""
    program = """
import aiohttp
engine.create("a")
import resonate.connections.http as http
print(json.dumps(http.aiohttp is aiohttp is sys.modules["aiohttp"])); engine.close()
"""
    assert ran(program) is True


def test_threads_that_need_it_at_once_get_it_whole() -> None:
    """One imports, the others wait for it."""
    program = """
import threading
from holdfast.engine import sdk
failures = []
def use():
    try:
        sdk.load()
        from resonate.resonate import Resonate
    except BaseException as error:
        failures.append(repr(error))
threads = [threading.Thread(target=use) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps([failures, "aiohttp" in sys.modules, len(sys.meta_path) > 10])); engine.close()
"""
    assert ran(program) == [[], False, False]
