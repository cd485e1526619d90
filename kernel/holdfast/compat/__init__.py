"""Libraries that expect other kernels: hooks on their import, and what they look for."""
