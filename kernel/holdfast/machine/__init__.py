"""The kernel as a state machine; it must never touch a socket, a clock, a thread or the user's namespace."""
