"""`python -m holdfast -f FILE` is the kernel; it must never import the command line's libraries."""

from holdfast.app.launch import main

if __name__ == "__main__":
    main()
