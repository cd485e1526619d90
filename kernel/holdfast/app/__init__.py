"""Puts the rings together and performs what the machine asks for."""
