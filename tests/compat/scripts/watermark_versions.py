# watermark: an extension that many notebooks load
# not in plain: it depends on IPython

# %% load
%load_ext watermark

# %% python
%watermark -v

# %% named
%watermark -n -u -d

# %% packages
import numpy

%watermark --iversions

# %% again
%reload_ext watermark
