# IPython.display: classes and functions that notebooks import
# loose: not there: value
# loose: more classes: text
# loose: media: text, html

# %% classes
from IPython.display import HTML, Latex, Markdown, Math, display

display(HTML("<b>Bressay</b>"), Markdown("*Noss*"))
display(Latex(r"$\lambda$"), Math(r"\phi"))

# %% a value
HTML("<i>Fetlar</i>")

# %% more classes
from IPython.display import JSON, SVG, Code, FileLink, GeoJSON, IFrame, Javascript, Pretty, ProgressBar

display(JSON({"depth": 3.7}), GeoJSON({"type": "Point", "coordinates": [1, 2]}), Javascript("1 + 1"), Pretty("plain"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>'))
IFrame("https://example.org", 300, 200)

# %% media
from IPython.display import Audio, Image, Video, YouTubeVideo

display(Image(url="https://example.org/x.png", width=20))
display(Audio([0.0, 0.5, -0.5], rate=8000))
YouTubeVideo("abcdefghijk", width=320)

# %% an image from bytes
from base64 import b64decode

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
Image(b64decode(PIXEL))

# %% one type only
from IPython.display import display_html, display_latex, display_markdown

display_html("<u>raw</u>", raw=True)
display_markdown("**raw**", raw=True)

# %% ready data
from IPython.display import publish_display_data

publish_display_data({"text/plain": "plain", "text/html": "<p>html</p>"})
display({"text/plain": "bundle"}, raw=True)

# %% updates
from IPython.display import update_display

shown = display("ebb", display_id="tide")
update_display("flood", display_id="tide")

# %% a handle
from IPython.display import DisplayHandle

handle = DisplayHandle()
handle.display("first")
handle.update("second")
type(shown).__name__

# %% cleared
from IPython.display import clear_output

print("gone")
clear_output()
print("stays")

# %% the old home
from IPython.core.display import HTML as OldHTML
from IPython.core.display import Image as OldImage

OldHTML("<b>old</b>")


# %% own reprs
class Buoy:
    def __repr__(self):
        return "Buoy()"

    def _repr_html_(self):
        return "<b>buoy</b>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/x-buoy": "Fl R"}


display(Buoy())
Buoy()

# %% pretty
from IPython.lib.pretty import pretty

print(pretty({"names": ["Bressay"] * 12}))

# %% captured
from IPython.utils.capture import capture_output

with capture_output() as captured:
    print("inside")
    display(HTML("<p>inside</p>"))
captured.stdout, len(captured.outputs), captured.outputs[0].data["text/html"]

# %% shown again
captured.show()

# %% not there
from IPython.display import NoSuchThing
