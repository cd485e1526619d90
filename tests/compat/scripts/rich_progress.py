# rich: progress bars and live displays
# not in plain: they are drawn in an Output widget, and ipywidgets depends on IPython
# loose: *: text
# loose: *: html

# %% track
from rich.progress import track

sum(track(range(3), description="sounding"))

# %% status
from rich.console import Console

with Console().status("waiting"):
    pass

# %% live
from rich.live import Live

with Live("one", auto_refresh=False) as live:
    live.update("two", refresh=True)
