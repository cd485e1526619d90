"""Language services: completion, inspection, is_complete and history, answered while a cell runs."""
