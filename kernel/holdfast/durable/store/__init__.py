"""What a session keeps on disk; it must never look inside the values it is given."""
