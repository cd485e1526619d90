"""The namespace survives; it must never decide when: the machine orders a commit before each reply."""
