# ipywidgets: sliders, buttons, links, and callbacks while a cell awaits
# not in plain: it depends on IPython, and pip installs that with it

# %% slider
import ipywidgets as widgets

slider = widgets.IntSlider(value=3, max=20, description="depth")
slider

# %% watched
slider.observe(lambda change: print("now", change["new"]), names="value")

# %% moved | widget: IntSliderModel {"value": 7}

# %% seen
slider.value

# %% while awaiting | widget: IntSliderModel {"value": 11}
import asyncio

moved = asyncio.get_running_loop().create_future()
slider.observe(lambda change: moved.set_result(change["new"]), names="value")
print("ready")
await moved

# %% its output stays its own
print("below this cell")

# %% set from a cell
slider.unobserve_all()
slider.value = 12
slider.disabled = True

# %% button
button = widgets.Button(description="sound")
button.on_click(lambda which: print("pressed", which.description))
button.click()
button

# %% button that fails
fails = widgets.Button(description="fails")
fails.on_click(lambda which: 1 / 0)
fails.click()

# %% linked
text = widgets.IntText()
widgets.link((slider, "value"), (text, "value"))
slider.value = 5
text.value

# %% linked in the page
widgets.jslink((slider, "value"), (text, "value"))

# %% boxes
tabs = widgets.Tab([widgets.Checkbox(value=True, description="lit"), widgets.Dropdown(options=["spar", "can"])])
tabs.titles = ("light", "shape")
tabs

# %% bytes
widgets.Image(value=b"\x89PNG not really", format="png", width=10)

# %% closed
slider.close()
slider.comm is None

# %% not a widget
widgets.IntSlider(value="deep")
