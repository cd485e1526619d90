"""The `holdfast` command line: options in, exit code out.

It must never print a stack of its own for what the user typed: a command that cannot begin says so in one
line and exits with 2.  Commands are imported when they run, so that `holdfast --version` stays quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = 2
ABORTED = 130
SEPARATOR = "="

app = typer.Typer(
    name="holdfast",
    help="A Python kernel for Jupyter that keeps your session.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"holdfast {version('holdfast')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """A Python kernel for Jupyter that keeps your session."""


@app.command()
def run(
    notebook: Annotated[Path, typer.Argument(help="The notebook to execute.", metavar="NOTEBOOK")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Where to write it [default: NAME.executed.ipynb beside it]."),
    ] = None,
    timeout: Annotated[
        int | None,
        typer.Option("--timeout", min=1, help="Seconds that one cell may take [default: no limit]."),
    ] = None,
    allow_errors: Annotated[bool, typer.Option("--allow-errors", help="Go on after a cell that fails.")] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME VALUE",
            help="Bind NAME after the cell tagged 'parameters'. May be given more than once.",
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option("--kernel", metavar="NAME", help="Another installed kernel [default: Holdfast]."),
    ] = None,
    cwd: Annotated[Path | None, typer.Option("--cwd", help="The folder to run in [default: the notebook's].")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what went wrong.")] = False,
) -> None:
    """Execute a notebook and write it with its outputs."""
    from holdfast.cli.run import Options
    from holdfast.cli.run import run as execute

    pairs = [text.partition(SEPARATOR) for text in parameter or ()]
    code = execute(
        Options(
            notebook=notebook,
            out=out,
            timeout=timeout,
            allow_errors=allow_errors,
            parameters=[(name, value) for name, _, value in pairs],
            kernel=kernel,
            cwd=cwd,
            quiet=quiet,
        )
    )
    raise typer.Exit(code)


@app.command()
def install(
    user: Annotated[bool, typer.Option("--user", help="Into your data folder (the default).")] = False,
    sys_prefix: Annotated[bool, typer.Option("--sys-prefix", help="Into the environment of this interpreter.")] = False,
    prefix: Annotated[
        str | None, typer.Option("--prefix", metavar="PATH", help="Into another installation prefix.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The kernel's name for Jupyter.")] = "holdfast",
    display_name: Annotated[
        str, typer.Option("--display-name", help="The name that people see.")
    ] = "Python 3 (Holdfast)",
) -> None:
    """Write a kernelspec that starts Holdfast with this interpreter."""
    from holdfast.cli.install import install as write

    if user + sys_prefix + (prefix is not None) > 1:
        raise Refusal("--user, --sys-prefix and --prefix exclude each other", "give one of them")
    where = sys.prefix if sys_prefix else prefix
    folder = write(prefix=where, user=where is None, name=name, display_name=display_name)
    typer.echo(f"wrote {folder}")


@app.command()
def doctor() -> None:
    """Check this installation: versions, kernelspec, folders, and one kernel that runs 1+1."""
    from holdfast.cli.doctor import doctor as examine

    raise typer.Exit(examine())


@app.command()
def sessions(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """List the sessions that are kept, the one used last first."""
    from holdfast.cli.sessions import sessions as listed

    raise typer.Exit(listed(as_json=as_json))


@app.command()
def log(
    session: Annotated[str, typer.Argument(help="Its name, or the path of its notebook.", metavar="SESSION")],
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the newest so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Show what each cell of a session did, oldest first."""
    from holdfast.cli.sessions import log as show

    raise typer.Exit(show(session, limit=limit, as_json=as_json))


@app.command()
def diff(
    session: Annotated[str, typer.Argument(help="Its name, or the path of its notebook.", metavar="SESSION")],
    one: Annotated[str, typer.Argument(help="A cell (41), with its epoch (2:41), or a commit (@57).", metavar="A")],
    other: Annotated[str, typer.Argument(help="Another one [default: the newest commit].", metavar="B")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Show what the variables after two cells of a session differ in."""
    from holdfast.cli.sessions import diff as compare

    raise typer.Exit(compare(session, one, other, as_json=as_json))


@app.command()
def outputs(
    session: Annotated[str, typer.Argument(help="Its name, or the path of its notebook.", metavar="SESSION")],
    cell: Annotated[str, typer.Argument(help="A cell (41), with its epoch (2:41) [default: the last].")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Show what a cell of a session showed."""
    from holdfast.cli.outputs import outputs as show

    raise typer.Exit(show(session, cell, as_json=as_json))


@app.command()
def checkout(
    session: Annotated[str, typer.Argument(help="Its name, or the path of its notebook.", metavar="SESSION")],
    cell: Annotated[str, typer.Argument(help="A cell (41), with its epoch (2:41), or a commit (@57).", metavar="CELL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Have the next kernel of a session start with the variables after a cell."""
    from holdfast.cli.sessions import checkout as turn

    raise typer.Exit(turn(session, cell, as_json=as_json))


def joined(arguments: Sequence[str]) -> list[str]:
    """Return the command line with every `-p NAME VALUE` as `-p NAME=VALUE`.

    The two-word form is papermill's and so what scripts already have; typer has no repeatable option of two
    words, and a value may begin with a dash.
    """
    result: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word not in ("-p", "--parameter"):
            result.append(word)
        elif len(rest) < 2:
            raise Refusal(f"{word} takes a name and a value", "write it as -p NAME VALUE")
        else:
            result += [word, f"{rest.pop(0)}{SEPARATOR}{rest.pop(0)}"]
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 well, 1 a notebook or check failed, 2 it could not begin."""
    words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = app(joined(words), prog_name="holdfast", standalone_mode=False)
    except Refusal as refusal:
        _complain(str(refusal))
        sys.exit(USAGE)
    except typer.Abort:
        sys.exit(ABORTED)
    except Exception as problem:
        # typer has had its usage errors from click and from a copy of its own: both say it in this method.
        say = getattr(problem, "format_message", None)
        if say is None:
            raise
        _complain(f"{say()}; see holdfast --help" if say() else "see holdfast --help")
        sys.exit(USAGE)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str) -> None:
    """Print one line on stderr."""
    typer.echo("holdfast: " + " ".join(sentence.split()), err=True)


if __name__ == "__main__":
    main()
