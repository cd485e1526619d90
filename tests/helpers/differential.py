"""One random notebook three times: never stored, stored and restarted, and looked at by fresh processes.

It must never compare a process with itself: each of the three descriptions comes from another one.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

from helpers import restorer
from helpers.restorer import MEMORY, Answer
from helpers.wide_programs import WideProgram

#: Cells of a program; the part of them before which the process dies; after which the audit runs.
CELLS, DEATHS, AUDITS = 14, 0.2, 0.1


class Server:
    """A server of fresh processes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, restorer.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self, request: Answer) -> None:
        """A request whose answer is taken later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def take(self) -> Answer:
        """The answer of the request before."""
        assert self._process.stdout is not None
        answer: Answer = json.loads(self._process.stdout.readline())
        assert not answer.get("failed"), answer["failed"]
        return answer

    def ask(self, request: Answer) -> Answer:
        """The answer to a request."""
        self.send(request)
        return self.take()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Differential:
    """Plays programs; the servers live as long as it does."""

    def __init__(self) -> None:
        self._plain, self._durable, self._looker = Server(), Server(), Server()

    def close(self) -> None:
        """End the servers."""
        for server in (self._plain, self._durable, self._looker):
            server.close()

    def compare(self, seed: int) -> None:
        """Play one program; raises AssertionError with the seed, the cell and what differs.

        After each cell the notebook that was stored, and a fresh process that restored it, are like the one that
        knows of no store.  Now and then the stored one dies, and goes on in a fresh process.
        """
        chance = random.Random(seed + 1)
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            home = Path(folder) / "home"
            home.mkdir(mode=0o700)
            self._plain.ask({"play": ""})
            self._durable.ask({"play": str(home)})
            try:
                self._cells(seed, str(home), chance)
            finally:
                for server in (self._plain, self._durable):
                    server.ask({"die": 9})

    def _cells(self, seed: int, home: str, chance: random.Random) -> None:
        for count, code in enumerate(WideProgram(seed).write(CELLS), 1):
            where = f"seed {seed}, cell {count}:\n{code}\n"
            request = {"run": code, "audit": chance.random() < AUDITS}
            self._plain.send(request)
            stored = self._durable.ask(request)
            lines = self._plain.take()["lines"]
            _same(lines, stored, f"{where}[stored]")
            looked = self._looker.ask({"look": home})
            _same(lines, looked, f"{where}[restored]")
            unkept = sum(": unkept" in line for line in lines)
            assert bool(unkept) == bool(looked["lost"]), f"{where}{unkept} unkept, named: {looked['lost']}"
            if chance.random() < DEATHS:
                self._durable.ask({"die": 9})
                again = self._durable.ask({"play": home, "audit": chance.random() < 0.5})
                _same(lines, again, f"{where}[restarted]")


def _same(lines: list[str], answer: Answer, where: str) -> None:
    difference = "\n".join(unified_diff(lines, answer["lines"], "live", "other", n=0, lineterm=""))
    assert not difference, f"{where}\n{difference}\n{answer['lost']}"
