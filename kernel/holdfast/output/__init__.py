"""The output ring: what a cell shows, from objects to mime bundles; it never sends anything itself."""
