"""Memory that is free goes back to the system.

Threads make tensors that other threads let go of, and small things that live longer come to lie between them. The C library
keeps such gaps for itself, more of them the longer a server is busy, so that its memory would seem to grow for hours.
"""

import ctypes
import sys


def give_back() -> None:
    """Hand the pages that nobody uses to the system. Where the C library is not glibc, nothing is done."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        try:
            trim = library.malloc_trim
        except AttributeError:
            return
        trim(ctypes.c_size_t(0))
