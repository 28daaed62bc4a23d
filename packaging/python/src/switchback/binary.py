"""Where the program is."""

import os
import shutil
import sysconfig
from pathlib import Path

from .errors import BinaryNotFound

#: Names another program than the one that was installed.
VARIABLE = "SWITCHBACK_BINARY"


def find_binary(given=None):
    """The path of the program: the one given, that of `SWITCHBACK_BINARY`, the one installed with this package, or the one on `PATH`."""
    named = given or os.environ.get(VARIABLE)
    if named:
        if _is_program(named):
            return str(Path(named).absolute())
        raise BinaryNotFound(f"{named} is not a program that can be run")
    installed = Path(sysconfig.get_path("scripts"), "switchback")
    if _is_program(installed):
        return str(installed)
    on_path = shutil.which("switchback")
    if on_path:
        return on_path
    raise BinaryNotFound(f"there is no {installed}, no switchback on PATH, and {VARIABLE} is not set")


def _is_program(path):
    return Path(path).is_file() and os.access(path, os.X_OK)
