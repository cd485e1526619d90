# statsmodels: summaries of models

# %% fit
import numpy as np
import statsmodels.api as sm

rng = np.random.default_rng(1)
x = sm.add_constant(np.arange(30.0))
model = sm.OLS(x @ [2.0, 0.5] + rng.normal(0, 1, 30), x).fit()
model.params.round(2)

# %% coefficients
model.summary(slim=True).tables[1]

# %% printed
print(model.summary(slim=True).tables[1])
