"""What libraries expect of IPython: a shell, a package of that name where there is none, bridges where there is one."""
