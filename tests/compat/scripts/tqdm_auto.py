# tqdm: tqdm.auto chooses widgets where there are some
# loose: *: stderr

# %% bar
from tqdm.auto import tqdm, trange

sum(tqdm(range(5), desc="sounding"))

# %% trange
for i in trange(3):
    pass

# %% nested
for i in trange(2, desc="outer"):
    for j in trange(2, desc="inner", leave=False):
        pass

# %% fails
for i in tqdm(range(4)):
    if i == 2:
        raise ValueError("aground")

# %% by hand
with tqdm(total=10) as bar:
    bar.update(4)
    bar.set_postfix(depth=3.7)
    bar.update(6)

# %% words
tqdm.write("a line beside the bar")

# %% pandas
import pandas as pd

tqdm.pandas(desc="rows")
pd.Series([1, 2, 3]).progress_apply(lambda x: x * 2).tolist()

# %% async
import asyncio


async def one(n):
    await asyncio.sleep(0)
    return n


await tqdm.gather(*[one(n) for n in range(3)])
