# ipympl: %matplotlib widget
# not in plain: it depends on IPython, and pip installs that with it
# loose: *: state

# %% chosen
%matplotlib widget

# %% figure
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([1, 2]);

# %% canvas
type(fig.canvas).__name__

# %% again
fig.canvas

# %% drawn anew
ax.set_title("depths")
fig.canvas.draw()

# %% second
plt.figure(figsize=(1, 1))
plt.plot([3, 1])
plt.show()

# %% back to pictures
plt.close("all")
%matplotlib inline

# %% picture
plt.figure(figsize=(1, 1))
plt.plot([1, 2]);
