# folders and the environment: %cd, %pwd, %ls and their kin, %env

# %% cd
import os

os.makedirs("one/two", exist_ok=True)
%cd one

# %% pwd
os.path.basename(_dh[-1]) if "_dh" in globals() else os.path.basename(os.getcwd())

# %% its value
where = %pwd
where == os.getcwd()

# %% silent
%cd -q two

# %% back
%cd -

# %% quotes
%cd 'two'

# %% up
%cd ../..

# %% automagic
pwd == os.getcwd()

# %% pushd
pushed = %pushd one
len(pushed)

# %% popd and dirs
%popd
stack = %dirs
stack

# %% writing
%mkdir three
%ls -d three
!echo text > three/file
%cp three/file copy
%cat copy
%mv copy moved
%rm moved
!ls
%rm -r three

# %% in the pager
!echo paged > file
%less file

# %% set
%env MY_OWN=a b

# %% set by a blank
%env MY_OTHER value

# %% set_env
two = 2
%set_env MY_THIRD={two + 1}/$two

# %% get
%env MY_OWN

# %% get as a value
got = %env MY_OTHER
got, os.environ["MY_THIRD"]

# %% the shell has it
!echo $MY_OWN/$MY_OTHER

# %% all
os.environ["MY_TOKEN"] = "not shown"
every = %env
every["MY_TOKEN"], every["MY_OWN"], type(every)
