# nest_asyncio: loops in loops, as code written for ipykernel has them
# loose: *: stderr

# %% applied
import asyncio

import nest_asyncio

nest_asyncio.apply()


async def work(x):
    await asyncio.sleep(0.01)
    print("worked", x)
    return x


# %% asyncio.run
asyncio.run(work(1))

# %% the running loop
loop = asyncio.get_event_loop()
loop.run_until_complete(work(2)), loop.run_until_complete(asyncio.gather(work(3), work(4)))

# %% in a coroutine
def blocking(x):
    return asyncio.run(work(x))


async def calls():
    return blocking(5), asyncio.get_event_loop().run_until_complete(work(6)), await work(7)


await calls()

# %% run in run
asyncio.run(calls())

# %% tasks go on
async def tick():
    for n in range(3):
        await asyncio.sleep(0.01)
        print("tick", n)


task = asyncio.create_task(tick())
loop.run_until_complete(asyncio.sleep(1))
task.done()

# %% an error
async def bad():
    raise LookupError("passed on")


try:
    asyncio.run(bad())
except LookupError as error:
    print(repr(error))
