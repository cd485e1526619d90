# ipywidgets: interact and interactive
# not in plain: it depends on IPython, and pip installs that with it
# loose: drawn: state

# %% interact
from ipywidgets import fixed, interact, interact_manual, interactive, interactive_output, IntSlider


@interact(depth=(0, 20), lit=True)
def sound(depth, lit):
    print("depth", depth, "lit" if lit else "dark")
    return depth * 2


# %% moved | widget: IntSliderModel {"value": 7}

# %% the function is still there
sound(3, False)

# %% a text
greet = interactive(lambda name, mark: f"{name}{mark}", name="Lerwick", mark=fixed("!"))
greet

# %% typed | widget: TextModel {"value": "Unst"}

# %% its result
greet.result, greet.kwargs

# %% choices
interact(lambda place: place.upper(), place=["swan", "sule"]);

# %% fails
interact(lambda depth: 1 / depth, depth=0);

# %% by hand
interact_manual(lambda n: n + 1, n=4);

# %% controls apart
one, two = IntSlider(value=2), IntSlider(value=3)
interactive_output(lambda a, b: print(a * b), {"a": one, "b": two})

# %% drawn
import matplotlib.pyplot as plt


@interact(slope=(1, 3))
def line(slope):
    plt.figure(figsize=(1, 1))
    plt.plot([0, slope])
    plt.show()


# %% drawn without show
@interact(steep=(1, 3))
def steeper(steep):
    plt.figure(figsize=(1, 1))
    plt.plot([0, steep])
