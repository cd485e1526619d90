# matplotlib: figures, their formats and their order
# otherwise: the value of an open figure: a figure that the cell shows by itself is not shown again at its end
# otherwise: displayed and open: a figure that the cell shows by itself is not shown again at its end
# otherwise: shown by itself: `figure.show()` shows it there, not at the end of the cell

# %% a plot
import matplotlib.pyplot as plt

plt.plot([1, 2])

# %% its name
import matplotlib

"inline" in matplotlib.get_backend(), plt.rcParams["figure.figsize"], plt.rcParams["figure.dpi"]

# %% among prints
print("before")
plt.figure(figsize=(2, 1))
plt.plot([3, 1])
plt.show()
print("between")
plt.figure(figsize=(1, 1))
plt.plot([1, 3])
plt.show()
plt.show()
print("after")

# %% several, unasked
for size in (1, 2):
    plt.figure(figsize=(size, 1)).gca()
    print(size)

# %% empty
plt.figure(figsize=(2, 1))

# %% a grid
figure, axes = plt.subplots(2, 2, figsize=(2, 2))

# %% later
figure

# %% the value of an open figure
opened, axis = plt.subplots(figsize=(2, 1))
opened

# %% displayed and open
opened, axis = plt.subplots(figsize=(2, 1))
axis.plot([1, 2])
display(opened)

# %% displayed and closed
opened, axis = plt.subplots(figsize=(2, 1))
display(opened)
plt.close(opened)

# %% shown by itself
opened, axis = plt.subplots(figsize=(2, 1))
opened.show()
print("after")

# %% in a cell that fails
plt.figure(figsize=(2, 1))
plt.plot([1, 2])
1 / 0

# %% not interactive
plt.ioff()
plt.figure(figsize=(2, 1)).gca()
print(plt.get_fignums())

# %% shown then
plt.show()
plt.ion()
plt.get_fignums()

# %% transparent
plt.figure(figsize=(2, 1), facecolor="none")
plt.plot([1, 2]);

# %% magic
%matplotlib inline
%config InlineBackend.figure_format = "retina"
plt.figure(figsize=(2, 1))
plt.plot([1, 2]);

# %% formats
%config InlineBackend.figure_formats = ["svg", "png"]
plt.figure(figsize=(2, 1))
plt.plot([1, 2]);

# %% options
from matplotlib_inline.backend_inline import set_matplotlib_formats

set_matplotlib_formats("png", dpi=30)
plt.figure(figsize=(2, 1))
plt.plot([1, 2]);

# %% settings
%config InlineBackend.rc = {"figure.figsize": (1, 1)}
%matplotlib inline
plt.plot([1, 2])

# %% flushed
from matplotlib_inline.backend_inline import flush_figures

plt.plot([1, 2])
flush_figures()
print("after")

# %% a frame after the other
from IPython.display import clear_output

for step in range(3):
    clear_output(wait=True)
    plt.plot([0, step])
    plt.show()

# %% another backend
matplotlib.use("agg")
plt.plot([1, 2])
plt.show()

# %% back
plt.close("all")
%matplotlib inline
plt.plot([1, 2]);

# %% by the name of the module
matplotlib.use("module://matplotlib_inline.backend_inline")
plt.plot([1, 2]);

# %% an animation
from IPython.display import HTML
from matplotlib.animation import FuncAnimation

figure, axis = plt.subplots(figsize=(1, 1))
line, = axis.plot([0, 1])
moving = FuncAnimation(figure, lambda step: line.set_ydata([0, step]), frames=2)
plt.close(figure)
type(HTML(moving.to_jshtml(embed_frames=True))).__name__

# %% captured
%%capture kept
plt.plot([1, 2])
print("kept")

# %% what was captured
kept.show()
