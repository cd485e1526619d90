"""`holdfast install`: a kernelspec that names this interpreter.

It must never write outside the folder it was told: `pip install holdfast` already ships a kernelspec; this is
for an environment that Jupyter does not run in.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

from holdfast.cli import launch
from holdfast.cli.refusal import Refusal

LOGOS = ("logo-svg.svg", "logo-32x32.png", "logo-64x64.png")


def logos() -> list[Path]:
    """Return the logo files that came with the distribution; none where it was installed without them."""
    try:
        files = metadata.files("holdfast") or []
    except metadata.PackageNotFoundError:
        files = []
    found = {Path(str(file.locate())) for file in files if file.name in LOGOS}
    # An editable install has them in the source tree only.
    tree = Path(__file__).parents[3] / "kernelspec"
    found |= {tree / name for name in LOGOS if not any(path.name == name for path in found)}
    return sorted(path.resolve() for path in found if path.is_file())


def install(*, prefix: str | None, user: bool, name: str, display_name: str) -> Path:
    """Write a kernelspec and return its folder.

    `prefix` is an installation prefix (`PREFIX/share/jupyter/kernels/NAME`); without it `user` selects the
    user's data folder, else the system's.  Raises `Refusal` for a name Jupyter does not take and for a folder
    that cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise Refusal(f"{name!r} cannot name a kernel", "use letters, digits, '.', '_' and '-'")
    with tempfile.TemporaryDirectory(prefix="holdfast-kernelspec-") as folder:
        content = launch.description(sys.executable, display_name)
        Path(folder, "kernel.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        for logo in logos():
            shutil.copy(logo, folder)
        Path(folder).chmod(0o755)  # copied as it is: a folder of mode 0700 would hide a system-wide kernel
        try:
            written = KernelSpecManager().install_kernel_spec(folder, name, user=user, prefix=prefix)
        except OSError as error:
            place = prefix or ("the user's data folder" if user else "the system's data folder")
            raise Refusal(
                f"cannot write the kernelspec into {place}: {error.strerror or error}",
                "use --user, --sys-prefix or --prefix",
            ) from None
    return Path(written)
