# scikit-learn: models shown as diagrams

# %% model
import numpy as np
from sklearn.linear_model import LinearRegression

model = LinearRegression()
model

# %% fitted
model.fit(np.arange(6).reshape(-1, 1), np.arange(6) * 2.0)

# %% pipeline
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

make_pipeline(StandardScaler(), LinearRegression(fit_intercept=False))

# %% text
from sklearn import config_context, set_config

set_config(display="text")
model

# %% diagram
set_config(display="diagram")
display(model)

# %% scores
from sklearn.model_selection import cross_val_score

cross_val_score(model, np.arange(12).reshape(-1, 1), np.arange(12) * 2.0, cv=3)
