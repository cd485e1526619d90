# IPython shell: what libraries and notebooks read and call
# loose: fails: lines
# loose: an error shown: lines

# %% what it is
ip = get_ipython()
type(ip).__name__, "IPKernelApp" in ip.config, ip.execution_count

# %% versions
import IPython

IPython.version_info[:2] >= (8, 24), IPython.get_ipython() is ip

# %% isinstance
from IPython.core.interactiveshell import InteractiveShell

isinstance(ip, InteractiveShell), InteractiveShell.initialized(), InteractiveShell.instance() is ip

# %% variables
ip.push({"depth": 3.7})
ip.user_ns["shoal"] = depth - 1
ip.ex("deep = depth * 10")
shoal, ip.ev("deep + 1"), ip.user_ns is globals()

# %% run_cell
result = ip.run_cell("print('inside')\ntide = 5\ntide + 1")
result.result, result.success, tide

# %% fails
failed = ip.run_cell("1 / 0")
failed.success, type(failed.error_in_exec).__name__

# %% commands
lines = ip.getoutput("echo Lerwick; echo Scalloway")
ip.system("echo $lines")
lines, lines.n

# %% magics
ip.run_line_magic("who_ls", "float"), ip.find_magic("nonsense")

# %% a cell magic
ip.run_cell_magic("capture", "said", "print('unheard')\nhour = 3") is None, hour, said.stdout

# %% events
def before(info):
    print("before:", info.raw_cell.strip())


def after(result):
    print("after:", result.result)


ip.events.register("pre_run_cell", before)
ip.events.register("post_run_cell", after)

# %% around
6 * 7

# %% events end
ip.events.unregister("pre_run_cell", before)
ip.events.unregister("post_run_cell", after)

# %% history
list(ip.history_manager.get_tail(2))[-1][2].splitlines()[0]

# %% formatters
class Light:
    pass


html = ip.display_formatter.formatters["text/html"]
html.for_type(Light, lambda light: "<b>Fl R 5s</b>")
Light() and ip.display_formatter.format(Light())[0]["text/html"]

# %% all values
InteractiveShell.ast_node_interactivity = "all"

# %% two values
1 + 1
"two"

# %% the last value
InteractiveShell.ast_node_interactivity = "last_expr"

# %% transformers
import ast


class Doubler(ast.NodeTransformer):
    def visit_Constant(self, node):
        return ast.Constant(node.value * 2) if isinstance(node.value, int) else node


ip.input_transformers_post.append(lambda lines: [line.replace("fathoms", "6") for line in lines])
ip.ast_transformers.append(Doubler())

# %% transformed
fathoms + 1

# %% plain again
ip.ast_transformers.clear()
ip.input_transformers_post.clear()

# %% next cell
ip.set_next_input("print('next')")

# %% an error shown
try:
    {}["Noss"]
except KeyError:
    ip.showtraceback()

# %% own handler
def handler(shell, etype, value, tb, tb_offset=None):
    print("handled:", etype.__name__, value)


ip.set_custom_exc((ZeroDivisionError,), handler)

# %% handled
try:
    1 / 0
finally:
    print("finally")

# %% parent
ip.get_parent()["header"]["msg_type"], ip.kernel.shell is ip

# %% variable inspector
from IPython.core.magics.namespace import NamespaceMagics

magics = NamespaceMagics()
magics.shell = ip.kernel.shell
"depth" in magics.who_ls(), magics.who_ls("float")

# %% completion
"print" in ip.Completer.all_completions("pri")
