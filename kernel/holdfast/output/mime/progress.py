"""A progress bar that is one output, updated in place.

It must never print: where there is no frontend, `display` decides what is shown.
"""

from __future__ import annotations

from holdfast.output.display import DisplayHandle

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows how much of `total` is done: set `progress`, or iterate to get the numbers 0 to total - 1.

    `html_width` is a CSS length, `text_width` a number of characters.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.html_width = "60ex"
        self.text_width = 60
        self._progress = 0
        self._next = 0
        self._handle = DisplayHandle()

    def __repr__(self) -> str:
        done = min(max(self._progress / self.total, 0.0), 1.0) if self.total else 1.0
        filled = "=" * int(done * self.text_width)
        return f"[{filled:<{self.text_width}}] {self._progress}/{self.total}"

    def _repr_html_(self) -> str:
        attributes = f"style='width:{self.html_width}' max='{self.total}' value='{self._progress}'"
        return f"<progress {attributes}></progress>"

    def display(self) -> None:
        """Shows the bar; later updates reach it."""
        self._handle.display(self)

    def update(self) -> None:
        """Draws the bar anew where it was shown."""
        self._handle.update(self)

    @property
    def progress(self) -> int:
        """How much is done; setting it draws the bar anew."""
        return self._progress

    @progress.setter
    def progress(self, value: int) -> None:
        self._progress = value
        self.update()

    def __iter__(self) -> ProgressBar:
        self._progress = self._next = 0
        self.display()
        return self

    def __next__(self) -> int:
        number = self._next
        if number != self._progress:
            self.progress = number
        if number >= self.total:
            raise StopIteration
        self._next = number + 1
        return number
