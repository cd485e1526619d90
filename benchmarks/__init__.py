"""Holdfast and its peers, measured side by side as black boxes over the wire.

It must never be imported by the kernel package, nor be a test: figures depend on the machine.
"""

from __future__ import annotations
