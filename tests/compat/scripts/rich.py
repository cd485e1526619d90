# rich: tables, progress and pretty values

# %% printed
from rich import print as rich_print

rich_print("[bold]shoal[/bold] water", {"depth": 3.7})

# %% table
from rich.table import Table

table = Table(title="Lights")
table.add_column("name")
table.add_row("Bressay")
table

# %% console
from rich.console import Console

Console().print("[red]aground[/red]", 5)

# %% is jupyter
Console().is_jupyter

# %% log
from rich.panel import Panel

display(Panel("a panel"))

# %% pretty
from rich import pretty

pretty.install()

# %% a value
{"depths": [1, 2, 3]}

# %% inspected
import rich

rich.inspect(5, help=False, methods=False, docs=False)
