"""A human in the loop; it must never know which engine keeps its promises."""
