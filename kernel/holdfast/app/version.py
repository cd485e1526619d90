"""The version of Holdfast; `pyproject.toml` reads it here."""

VERSION = "0.1.0"
