# Python: warnings and logging name the cell's line and quote it

# %% a warning
import warnings

warnings.warn("careful")

# %% in a function
def work():
    warnings.warn("in work", RuntimeWarning)


for _ in range(3):
    work()

# %% the function again
work()

# %% deprecated
import datetime

datetime.datetime.utcnow().year > 2000

# %% deprecated again
datetime.datetime.utcnow().year > 2000

# %% long
warnings.warn(
    "over lines",
)

# %% always
with warnings.catch_warnings():
    warnings.simplefilter("always")
    for _ in range(2):
        warnings.warn("each")

# %% ignored
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    warnings.warn("hidden")

# %% an error
with warnings.catch_warnings():
    warnings.simplefilter("error")
    warnings.warn("raised")

# %% recorded
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    warnings.warn("seen")
[(str(w.message), w.lineno) for w in seen]

# %% logging without a setup
import logging

logging.warning("careful")
logging.info("not shown")

# %% basicConfig
logging.basicConfig(format="%(lineno)d %(funcName)s %(name)s %(levelname)s %(message)s", level=logging.INFO, force=True)


def told():
    logging.getLogger(__name__).info("told")


told()

# %% an error in the log
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("failed")

# %% a traceback
import traceback

try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()

# %% captured
logging.captureWarnings(True)
warnings.warn("to the log")
logging.captureWarnings(False)

# %% the last error
1 / 0

# %% is kept
import sys

sys.last_value, sys.last_type, sys.exc_info()
