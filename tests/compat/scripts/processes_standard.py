# Python: processes, from multiprocessing, concurrent.futures, subprocess and os

# %% a process
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

fork = multiprocessing.get_context("fork")


def say(x):
    print("process", x, flush=True)


process = fork.Process(target=say, args=(1,))
process.start()
process.join()
process.exitcode

# %% a pool
def square(x):
    return x * x


with fork.Pool(2) as pool:
    print(pool.map(square, range(5)))

# %% executors
with ProcessPoolExecutor(2, mp_context=fork) as executor:
    print(list(executor.map(square, range(4))))
with ThreadPoolExecutor(2) as executor:
    print(list(executor.map(square, range(4))))

# %% a queue
def put(queue):
    queue.put("from another process")


queue = fork.Queue()
process = fork.Process(target=put, args=(queue,))
process.start()
print(queue.get())
process.join()

# %% spawned
import math

with multiprocessing.get_context("spawn").Pool(2) as pool:
    print(pool.map(math.sqrt, [1, 4, 9]))

# %% subprocess
subprocess.run(["echo", "out"])
subprocess.run("echo err >&2; exit 3", shell=True).returncode

# %% its output
subprocess.check_output(["echo", "taken"], text=True), subprocess.getoutput("echo got")

# %% os
os.system("echo system"), os.popen("echo popen").read()

# %% a failure
try:
    subprocess.run(["false"], check=True)
except subprocess.CalledProcessError as error:
    print(error)

# %% a worker fails
def bad(x):
    return 1 / x


try:
    with ProcessPoolExecutor(1, mp_context=fork) as executor:
        executor.submit(bad, 0).result()
except ZeroDivisionError as error:
    print(repr(error))

# %% asyncio
import asyncio

process = await asyncio.create_subprocess_exec("echo", "exec", stdout=asyncio.subprocess.PIPE)
print(await process.communicate())
process = await asyncio.create_subprocess_shell("echo shell; exit 4")
await process.wait()

# %% guarded
if __name__ == "__main__":
    process = fork.Process(target=say, args=("guarded",))
    process.start()
    process.join()

# %% multiprocessing.shared_memory
from multiprocessing import shared_memory

block = shared_memory.SharedMemory(create=True, size=4)


def fill(name):
    other = shared_memory.SharedMemory(name)
    other.buf[0] = 7
    other.close()


process = fork.Process(target=fill, args=(block.name,))
process.start()
process.join()
print(block.buf[0])
block.close()
block.unlink()
