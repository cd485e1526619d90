# Python: values, streams, errors and input, as every notebook has them
# loose: chain: lines

# %% layout
import collections

{
    "name": "Lerwick",
    "berths": collections.defaultdict(int, visitors=14, fishing=31, ferries=2),
    "soundings": [3.2, 4.1, 5.8, 7.5, 9.9, 12.4, 12.6, 11.8, 9.1, 6.6, 4.9, 3.7],
    "lights": {"Bressay", "Maryfield", "Twageos"},
    "kinds": (int, collections.OrderedDict),
}

# %% hidden
sum(range(10));

# %% previous
_["name"], Out[1]["name"], len(In)

# %% streams
import sys

print("depth", 3.7)
print("shoal water ahead", file=sys.stderr)
print("no newline at the end", end="")

# %% result after output
print("first")
"then the value"

# %% fails
def sound(depth):
    return 1 / depth


sound(0)

# %% chain
try:
    {}["chart"]
except KeyError as error:
    raise ValueError("no such chart") from error

# %% syntax
for

# %% asks | answers: Swan, 17
name = input("Ship: ")
berth = int(input("Berth: "))
name, berth

# %% password | answers: secret
import getpass

len(getpass.getpass("Word: "))

# %% awaits
import asyncio


async def tide(hours):
    await asyncio.sleep(0)
    return hours * 2


await asyncio.gather(*(tide(n) for n in range(3)))

# %% reprs
class Flag:
    def _repr_html_(self):
        return "<b>blue <i>white</i></b>"

    def _repr_svg_(self):
        return "<svg xmlns='http://www.w3.org/2000/svg'/>"

    def __repr__(self):
        return "Flag(blue, white)"


display(Flag(), Flag(), 5)
Flag()

# %% updated
handle = display("sailing", display_id="ship")

# %% updates
handle.update("in harbour")

# %% comment only
# nothing here
