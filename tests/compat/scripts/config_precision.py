# options: %config, %precision, %pprint, %colors, %gui
# loose: pprint off: stdout
# loose: pprint on: stdout

# %% precision
%precision 3

# %% floats
3.14159265

# %% in containers
[1.23456, {"a": 2.34567}, (1.5,)]

# %% a format
%precision %.2e

# %% its floats
1234.5

# %% as it was
%precision

# %% all digits
0.1 + 0.2

# %% printed
print(3.14159265)

# %% pprint off
%pprint

# %% a long list
list(range(40))

# %% pprint on
%pprint

# %% a long list again
list(range(40))

# %% all expressions
%config InteractiveShell.ast_node_interactivity = "all"

# %% two of them
1
2

# %% the last one
%config ZMQInteractiveShell.ast_node_interactivity = "last_expr"
%config ZMQInteractiveShell.ast_node_interactivity

# %% one
1
2

# %% of the completer
%config IPCompleter.greedy = True
%config IPCompleter.greedy

# %% of figures
%config InlineBackend.figure_format = "retina"
%config InlineBackend.figure_formats = {"png", "svg"}
%config InlineBackend.close_figures = False
%config InlineBackend.print_figure_kwargs = {"bbox_inches": None}
%config InlineBackend.rc = {}

# %% colors
%colors Linux

# %% gui
%gui asyncio
