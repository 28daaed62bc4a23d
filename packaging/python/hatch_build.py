"""The tag of the wheel: any Python 3, and the machines on which the program inside runs."""

import re
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BINARY = "bin/switchback"


def platform_of(program):
    """The platform tag of a program: on Linux, of the newest version of the GNU C library that it names."""
    here = re.sub(r"[^a-zA-Z0-9]", "_", sysconfig.get_platform())
    minors = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", program)]
    if here.startswith("linux_") and minors:
        return f"manylinux_2_{max(minors)}_{here.removeprefix('linux_')}"
    return here


class TagHook(BuildHookInterface):
    def initialize(self, version, build_data):
        program = Path(self.root, BINARY)
        if not program.is_file():
            raise FileNotFoundError(f"{program} is not there: packaging/python/build puts it there")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_of(program.read_bytes())}"
