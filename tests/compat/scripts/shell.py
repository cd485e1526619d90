# the shell: !command, x = !command, %%bash and its kin
# loose: a program that is not there: stdout

# %% output
!echo out; echo err >&2; echo more

# %% exit status
!exit 3
print(_exit_code)

# %% variables
name = "w"
!echo {name} $name {name.upper()}

# %% in a function
def f(word):
    !echo {word} $word


f("here")

# %% a terminal
!tput cols; [ -t 1 ] && echo terminal

# %% carriage returns
!printf '10%%\r'; sleep 0.1; printf '20%%\n'

# %% colours
!printf '\033[31mred\033[0m\n'

# %% several lines
!for i in 1 2; do \
    echo $i; \
done

# %% bytes that are no text
!printf 'caf\351\n'

# %% lines
lines = !printf 'b 2\na 10\n'; echo err >&2
lines

# %% shortcuts
lines.n, lines.s, lines.l, lines.grep("A"), lines.fields(1, 0), lines.sort(), lines.fields(0)

# %% lines have no terminal
seen = !python -c 'import sys; print(sys.stdout.isatty(), sys.stdin.isatty())'
seen

# %% two marks
!!echo shown

# %% sx
%sx echo one; echo two

# %% system
%system echo one

# %% a cell of lines
%%sx
x=5
echo $x

# %% in a loop
for word in lines:
    !echo got {word}

# %% captured
%%capture caught
!echo quiet

# %% what was captured
caught.stdout.strip()

# %% a process of Python's
import subprocess

subprocess.run("echo from a process", shell=True).returncode

# %% os.system
import os

os.system("echo from os.system")

# %% bash
%%bash
echo out
echo err >&2

# %% variables of a script
%%bash -s {name} $name
echo $1 $2 {name}

# %% out and err
%%bash --out out --err err
echo out
echo err >&2

# %% what was kept
out, err

# %% it may fail
%%bash --no-raise-error
exit 3

# %% script
%%script bash -s one "two"
echo $1/$2

# %% python
%%python
import sys

print(1, sys.stdout.isatty())

# %% perl
%%perl
print "hi\n";

# %% sh
%%sh
echo $0

# %% a program that is not there
%%script no-such-program
x
