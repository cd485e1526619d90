# tqdm: bars as text, and what tqdm.auto chooses
# loose: *: stderr
# differs in ipython: auto: it draws a bar of text

# %% text
from tqdm import tqdm

sum(tqdm(range(5)))

# %% auto
import tqdm.auto as automatic

sum(automatic.tqdm(range(5)))
