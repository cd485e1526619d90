"""How values that pickle refuses come back; a reducer must never copy what only looks like a value (a socket)."""
