# nest_asyncio: loops within loops, where notebooks patch them in

# %% apply
import asyncio

import nest_asyncio

nest_asyncio.apply()

# %% run
async def main(n):
    await asyncio.sleep(0)
    return n * 2


asyncio.run(main(3))

# %% until complete
asyncio.get_event_loop().run_until_complete(main(4))

# %% task beside
task = asyncio.get_event_loop().create_task(main(5))
asyncio.run(main(6)), await task

# %% nested
async def outer():
    return asyncio.run(main(7))


await outer()

# %% after
await asyncio.gather(main(1), main(2))
