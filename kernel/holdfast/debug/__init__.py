"""The debugger: debugpy's, for frontends that speak the Debug Adapter Protocol in `debug_request`s."""
