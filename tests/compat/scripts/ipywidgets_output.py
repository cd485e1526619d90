# ipywidgets: Output widgets
# not in plain: it depends on IPython, and pip installs that with it
# loose: an error stays inside: lines

# %% captured
import ipywidgets as widgets

out = widgets.Output()
with out:
    print("inside")
    display(5)
print("outside")
out

# %% more in it
with out:
    print("more")

# %% cleared
out.clear_output()
with out:
    print("only this")

# %% cleared with the next
from IPython.display import clear_output

with out:
    clear_output(wait=True)
    print("the next")

# %% an error stays inside
with out:
    1 / 0
print("the cell goes on")

# %% decorator
import sys

log = widgets.Output()


@log.capture(clear_output=True)
def sound(depth):
    print("sounding", depth)
    print("shoal", file=sys.stderr)
    return depth * 2


log

# %% called
sound(3)

# %% nested
outer, inner = widgets.Output(), widgets.Output()
display(outer)
with outer:
    print("outer")
    display(inner)
    with inner:
        print("inner")
    print("outer again")

# %% in a callback
slider = widgets.IntSlider(max=9)
seen = widgets.Output()


def show(change):
    print("not captured")
    with seen:
        print("captured", change["new"])


slider.observe(show, names="value")
seen

# %% moved | widget: IntSliderModel {"value": 4}

# %% appended
from IPython.display import HTML

filled = widgets.Output()
filled.append_stdout("a line\n")
filled.append_display_data(HTML("<b>bold</b>"))
filled

# %% its state
[output["output_type"] for output in filled.outputs]

# %% a thread
import threading

beside = widgets.Output()


def work():
    with beside:
        print("from the thread")


display(beside)
thread = threading.Thread(target=work)
thread.start()
thread.join()

# %% an update inside
with widgets.Output() as place:
    handle = display("one", display_id=True)
handle.update("two")
