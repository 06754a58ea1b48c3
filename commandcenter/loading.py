"""Garbage collection while a long-lived process loads its code, and after.

Nearly all that is made while modules load stays for ever. Looking for garbage in it took a quarter of the time of loading, and every
full collection afterwards, in the middle of a request, would look through it all again.
"""

from __future__ import annotations

import gc


def begin() -> None:
    """Collect nothing while modules load."""
    gc.disable()


def end() -> None:
    """Collect once, leave out of every later collection what is there now, and collect again from here on.

    Before a fork this also keeps the pages shared: a collection would write into each object that it looks at.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
