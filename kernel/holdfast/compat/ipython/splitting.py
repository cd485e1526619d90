"""Splitting a magic's line into words, as a shell does, with quotes kept or taken away.

It must never fail on text that is no shell's, unless it is asked to.
"""

from __future__ import annotations

import shlex

__all__ = ["arg_split"]


def arg_split(commandline: str, posix: bool = False, strict: bool = True) -> list[str]:
    """The words of a line; `posix` takes quotes away.

    With `strict` a quote that is not closed is a ValueError; without, the rest is one word.
    """
    lexer = shlex.shlex(commandline, posix=posix)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    while True:
        try:
            word = next(lexer)
        except StopIteration:
            return words
        except ValueError:
            if strict:
                raise
            return [*words, lexer.token]
        words.append(word)
