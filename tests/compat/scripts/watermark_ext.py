# watermark: an extension that prints versions
# not in plain: it depends on IPython
# loose: versions: stdout
# loose: options: order

# %% loaded
%load_ext watermark

# %% versions
%watermark --python --packages sympy

# %% options
%watermark --nonsense

# %% variables
import sympy

%watermark --iversions
