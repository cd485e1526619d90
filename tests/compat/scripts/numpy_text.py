# numpy: arrays as they are laid out

# %% array
import numpy as np

np.arange(12).reshape(3, 4)

# %% in containers
{"a": np.zeros(3), "b": [np.eye(2), np.float64(0.1)]}

# %% long
np.arange(2000)

# %% options
np.set_printoptions(precision=2)
np.array([np.pi, np.e])

# %% scalars
np.float32(1) / 3, np.int64(7), np.True_

# %% warning
np.log(np.array([-1.0]))

# %% error
np.ones((2, 3)) @ np.ones((2, 3))
