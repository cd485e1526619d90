"""Durable promises behind one small port; it must never import anything else of ours."""
