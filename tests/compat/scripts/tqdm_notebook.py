# tqdm: tqdm.notebook, which wants widgets
# not in plain: it draws widgets, and ipywidgets depends on IPython; tqdm itself says so there
# loose: *: stderr

# %% bar
from tqdm.notebook import tqdm, trange

list(tqdm(range(3), desc="sounding"))

# %% trange
sum(trange(4))

# %% fails
for i in tqdm(range(4)):
    if i == 2:
        raise ValueError("aground")
