"""The server as a process: started, waited for, stopped."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .errors import BinaryNotFound, NeverReady, NotStarted, ScenarioInvalid

#: The exit code for a scenario with mistakes.
INVALID_SCENARIO = 10
#: How often it is looked whether the server is ready, in seconds.
LOOK_SECONDS = 0.005
#: How long a server that is told to end may take, in seconds, before it is killed.
END_SECONDS = 10


class Process:
    """A server that answers requests, in a folder of its own that goes with it."""

    def __init__(self, binary, scenario, pace, options, ready_seconds):
        self._folder = Path(tempfile.mkdtemp(prefix="switchback-"))
        self.ca_file = self._folder / "ca.pem"
        self._ready_file = self._folder / "ready"
        command = [binary, "serve", str(scenario), "--port", "0", "--time", pace]
        command += ["--ca-file", str(self.ca_file), "--ready-file", str(self._ready_file), *options]
        self._child = None
        try:
            self._start(command)
            self.url = self._wait(ready_seconds)
            self.vault_path = self._said("vault")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends the server and removes its folder. Stopping twice does nothing more."""
        child, self._child = self._child, None
        if child is not None:
            child.terminate()
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, command):
        # Into files and not pipes: nobody has to read along for the server to go on.
        with open(self._folder / "out", "wb") as out, open(self._folder / "err", "wb") as err:
            try:
                self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            except OSError as error:
                raise BinaryNotFound(f"{command[0]} cannot be run: {error}") from error

    def _wait(self, ready_seconds):
        """The address, as soon as requests are answered there."""
        end = time.monotonic() + ready_seconds
        while True:
            code = self._child.poll()
            if code is not None:
                kind = ScenarioInvalid if code == INVALID_SCENARIO else NotStarted
                raise kind(code, self._text("err"))
            url = self._text("ready")
            if url:
                return url
            if time.monotonic() >= end:
                raise NeverReady(f"switchback serve was not ready after {ready_seconds} s; it said:\n{self._text('err')}")
            time.sleep(LOOK_SECONDS)

    def _said(self, word):
        """What stands behind a word at the beginning of a line of the output."""
        lines = (line.split(None, 1) for line in self._text("out").splitlines())
        return next((line[1] for line in lines if len(line) == 2 and line[0] == word), "")

    def _text(self, name):
        try:
            return (self._folder / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""
