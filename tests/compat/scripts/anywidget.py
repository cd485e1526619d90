# anywidget: a widget written in the notebook
# not in plain: it depends on IPython, and pip installs that with it

# %% widget
import anywidget
import traitlets


class Counter(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) { el.textContent = model.get("value"); }
    export default { render };
    """
    _css = ".counter { color: red }"
    value = traitlets.Int(3).tag(sync=True)


counter = Counter()
counter

# %% watched
counter.observe(lambda change: print("now", change["new"]), names="value")

# %% from the page | widget: AnyModel {"value": 9}

# %% value
counter.value

# %% messages
counter.send({"do": "this"}, buffers=[b"\x00\x01"])
counter.msg_id if hasattr(counter, "msg_id") else "sent"

# %% by protocol
from anywidget.experimental import widget
from dataclasses import dataclass
from psygnal import evented


@widget(esm="export default { render({ model, el }) { el.textContent = model.get('depth'); } }")
@evented
@dataclass
class Light:
    depth: int = 3


light = Light()
light

# %% changed
light.depth = 8
