"""What can go wrong, as types."""


class SwitchbackError(Exception):
    """Anything that this package raises."""


class BinaryNotFound(SwitchbackError):
    """The program is not where it was looked for."""


class ClientNotInstalled(SwitchbackError):
    """A published client was asked for that is not installed."""


class NotStarted(SwitchbackError):
    """The server ended before it answered requests. `code` is its exit code, `diagnostic` what it complained about."""

    def __init__(self, code, diagnostic):
        super().__init__(f"switchback serve ended with {code} before it was ready:\n{diagnostic.strip()}")
        self.code = code
        self.diagnostic = diagnostic


class ScenarioInvalid(NotStarted):
    """The scenario has mistakes. `diagnostic` says which, and where."""


class NeverReady(SwitchbackError):
    """The server did not answer requests within the time that it was given. It was stopped."""


class Unreachable(SwitchbackError):
    """The server did not answer: it was stopped, or never started."""


class Refused(SwitchbackError):
    """The control surface refused a request. `status` is of HTTP, `code` and `message` are in the surface's words."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
