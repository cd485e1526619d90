# sympy: values as formulas, and init_printing

# %% before
import sympy

x, y = sympy.symbols("x y")
sympy.sqrt(x**2 + 1)

# %% init
sympy.init_printing()

# %% a formula
sympy.Integral(sympy.cos(x), x)

# %% containers
[x, y**2]

# %% numbers
{x: 5}, 2.5

# %% displayed
display(sympy.Matrix([[1, x], [y, 0]]))

# %% solved
sympy.solve(x**2 - 4, x)

# %% plain text
sympy.init_printing(pretty_print=False)

# %% as text
x**2 + y

# %% mathjax
sympy.init_printing(use_latex="mathjax")

# %% as mathjax
x**2 / y
