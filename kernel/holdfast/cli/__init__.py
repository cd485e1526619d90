"""The `holdfast` command: run a notebook, install the kernelspec, look for what is wrong.

Never imported by the kernel process: typer, rich, nbclient and nbformat cost more than a whole kernel start.
"""
