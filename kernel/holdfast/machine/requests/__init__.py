"""One file per request family; a handler must never bracket itself with busy and idle."""
