"""What the tests of JupyterLab share: the second environment and folders of their own."""

from __future__ import annotations

from helpers.peers import household, peers

__all__ = ["household", "peers"]
