"""Syntax beyond Python, lowered to Python; it must never take meaning away from valid Python."""
