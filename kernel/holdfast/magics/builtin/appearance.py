"""How values look as text: `%precision`, `%pprint`, `%colors`.

It must never change a value.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

#: The digits that numpy shows, unless it is told otherwise.
_DIGITS = 8


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "precision": _precision,
        "pprint": _pprint,
        "colors": lambda _kernel: _colors,
    }
    return made[name](kernel)


def _precision(kernel: Kernel) -> LineMagic:
    def precision(rest: str) -> str:
        """Choose how floats are shown: `%precision 3` (digits), `%precision %.2e` (a format), alone: all digits.

        Arrays of numpy follow.  Its value is the format.
        """
        text = f"%.{int(rest)}f" if rest.isdecimal() else rest
        try:
            kernel.formatters.float_format = text
        except ValueError:
            raise BadWords("%precision", f"{rest!r} is neither a number of digits nor a format such as %.3f") from None
        numpy = sys.modules.get("numpy")
        digits = re.search(r"\.(\d+)", text)
        if numpy is not None:
            numpy.set_printoptions(precision=int(digits[1]) if digits else _DIGITS)
        return text or "%r"

    return precision


def _pprint(kernel: Kernel) -> LineMagic:
    def pprint(_rest: str) -> None:
        """Lay values out on several lines or, called again, show their `repr`."""
        plain = kernel.formatters.plain
        plain.pprint = not plain.pprint
        print(f"Values are {'laid out' if plain.pprint else 'shown by their repr'} from now on.")

    return pprint


def _colors(rest: str) -> None:
    """Accepted and without effect: the frontend chooses the colours."""
    if not rest:
        raise BadWords("%colors", "it goes %colors NAME, and has no effect: the frontend chooses the colours")
