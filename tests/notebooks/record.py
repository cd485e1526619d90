"""Records what the real ipykernel shows for the notebooks of the gallery: those named, or all that changed."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from helpers import gallery
from helpers.compat_facts import difference


def record(name: str) -> None:
    """Run a notebook on ipykernel and keep the facts of its cells."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder).resolve()
        notebook = gallery.on_ipykernel(name, here)
        cells = gallery.facts(name, notebook, here)
    kept = {"notebook": gallery.content_hash(name), "cells": cells}
    gallery.GOLDEN.mkdir(exist_ok=True)
    (gallery.GOLDEN / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    other = gallery.failing(notebook) ^ gallery.tagged(notebook)
    print(f"recorded {name}" + (f"; not as tagged: {', '.join(sorted(other))}" if other else ""))


def show(name: str) -> None:
    """Print what Holdfast shows otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder).resolve()
        found = gallery.facts(name, gallery.on_holdfast(name, here), here)
    for cell, seen in gallery.expected(name).items():
        if lines := difference(seen, found[cell]):
            print(f"{name} {cell} (- ipykernel, + Holdfast)\n{lines}")


def main(*arguments: str) -> None:
    """See the module; after `--show`, what Holdfast shows otherwise."""
    if arguments[:1] == ("--show",):
        for name in arguments[1:] or sorted(set(gallery.names()) - gallery.OWN):
            show(name)
        return
    for name in arguments or sorted(set(gallery.names()) - gallery.OWN):
        if arguments or gallery.golden(name)["notebook"] != gallery.content_hash(name):
            record(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
