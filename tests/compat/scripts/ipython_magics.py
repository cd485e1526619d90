# IPython magics: magics of one's own, as extensions make them
# loose: help: text

# %% functions
from IPython.core.magic import register_cell_magic, register_line_cell_magic, register_line_magic


@register_line_magic
def fathoms(line):
    "Metres as fathoms."
    return round(float(line) / 1.8288, 1)


@register_cell_magic
def shout(line, cell):
    print(line, cell.upper())


@register_line_cell_magic("both")
def _both(line, cell=None):
    return line, cell

# %% a line
%fathoms 18.288

# %% a value
depth = 9.144
found = %fathoms {depth}
found

# %% a cell
%%shout at
low water

# %% both as a line
%both one

# %% both as a cell
%%both two
body

# %% a class
from IPython.core.magic import Magics, cell_magic, line_cell_magic, line_magic, magics_class, needs_local_scope
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring


@magics_class
class Survey(Magics):
    def __init__(self, shell, unit="m"):
        super().__init__(shell)
        self.unit = unit

    @line_magic
    def sounding(self, line):
        self.shell.user_ns["last_sounding"] = line
        return f"{line} {self.unit}"

    @cell_magic("soundings")
    def several(self, line, cell):
        return [f"{word} {self.unit}" for word in cell.split()]

    @needs_local_scope
    @line_magic
    def local(self, line, local_ns=None):
        return local_ns.get(line)

    @line_magic
    def options(self, line):
        return self.parse_options(line, "ab:", "long=")

    @magic_arguments()
    @argument("-n", "--number", type=int, default=3, help="how many")
    @argument("places", nargs="*")
    @line_magic
    def places(self, line):
        """Survey some places."""
        found = parse_argstring(self.places, line)
        return found.number, found.places


ip = get_ipython()
ip.register_magics(Survey(ip, unit="fm"))

# %% of the class
%sounding 7

# %% bound
last_sounding

# %% its cell
%%soundings
3 4

# %% local
def inside():
    depth = 2
    return ip.run_line_magic("local", "depth")


inside(), ip.run_line_magic("local", "depth")

# %% options
%options -a -b 5 --long=7 the rest

# %% arguments
%places -n 5 Lerwick Scalloway

# %% usage
%places --nonsense

# %% help
%places?

# %% a class given
@magics_class
class Echo(Magics):
    @line_magic
    def echo_it(self, line):
        return line


ip.register_magics(Echo)

# %% used
%echo_it tide

# %% a function given
def knots(line):
    return float(line) * 1.852


ip.register_magic_function(knots, "line", "kn")

# %% in a loop
for speed in (5, 10):
    kmh = %kn {speed}
    print(kmh)
