# sympy: formulas, with and without init_printing

# %% plain
import sympy as sp

x, y = sp.symbols("x y")
x**2 + 1

# %% list
[x**2, sp.sqrt(y)]

# %% init
sp.init_printing()

# %% formula
sp.Integral(sp.exp(-(x**2)), (x, 0, sp.oo))

# %% solved
sp.solve(x**2 - x - 1, x)

# %% mapping
{x: sp.Rational(1, 3), y: 2}

# %% number
3

# %% matrix
sp.Matrix([[1, x], [y, 2]])

# %% text
"not a formula"

# %% displayed
display(sp.sin(x))

# %% mathjax
sp.init_printing(use_latex="mathjax")
x / y

# %% unicode only
sp.init_printing(use_latex=False)
sp.sqrt(x)

# %% off
sp.init_printing(pretty_print=False)
sp.sqrt(x)
