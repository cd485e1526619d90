"""Bytes to typed messages and back; it must never touch a socket, a clock or a file."""
