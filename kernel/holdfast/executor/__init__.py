"""From a cell's text to its outcome: what runs the user's code and tells what became of it."""
