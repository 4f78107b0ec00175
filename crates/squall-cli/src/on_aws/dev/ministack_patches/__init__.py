"""Where ministack does otherwise than AWS in what Squall depends on: each module says what, and replaces it."""
import sys


def found(owner, name):
    """What is to be replaced; the end of the process when it is not there."""
    if isinstance(owner, dict):
        known = owner.get(name)
    else:
        known = getattr(owner, name, None)
    if known is None:
        gone(f"it has no {name} in {getattr(owner, '__name__', 'a table')}")
    return known


def gone(what):
    """This is not the ministack that the patches were written for."""
    sys.exit(f"this ministack is not the one that is patched here, {what}; install the version of requirements.txt")


def replaced(owner, name, by):
    """Puts `by(what was there)` in its place."""
    was = found(owner, name)
    if isinstance(owner, dict):
        owner[name] = by(was)
    else:
        setattr(owner, name, by(was))
