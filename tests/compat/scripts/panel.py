# panel: widgets and panes
# loose: *: html
# loose: interact: text

# %% loaded
import panel as pn

pn.extension()

# %% slider
slider = pn.widgets.IntSlider(name="depth", end=10)
slider

# %% bound
pn.Row(slider, pn.bind(lambda depth: f"depth {depth}", slider))

# %% changed
slider.value = 4
slider.value

# %% markdown
pn.pane.Markdown("# Lights")

# %% interact
pn.interact(lambda n: n * 2, n=(0, 5))

# %% watched
seen = []
slider.param.watch(lambda event: seen.append(event.new), "value")
slider.value = 7
seen

# %% figure
import matplotlib

matplotlib.use("agg")
from matplotlib.figure import Figure

figure = Figure(figsize=(1, 1))
figure.subplots().plot([1, 2])
pn.pane.Matplotlib(figure, dpi=40)
