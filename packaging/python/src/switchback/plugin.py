"""The plugin of pytest: a server for a test, or for the session, and what it was asked when a test fails."""

from pathlib import Path

import pytest

from .errors import SwitchbackError
from .served import Served

_SERVED = pytest.StashKey()
#: How many of the last requests are shown with a failure.
SHOWN_REQUESTS = 50


def pytest_addoption(parser):
    group = parser.getgroup("switchback", "disaster recovery against emulators")
    group.addoption("--switchback-binary", metavar="FILE", help="the program to start, in place of the installed one")
    parser.addini("switchback_scenario", "the scenario that is served where a test names none")
    parser.addini("switchback_time", "how time passes where a test does not say: instant, real, 60x", default="instant")


def pytest_configure(config):
    config.addinivalue_line("markers", "switchback(scenario, time): which scenario is served to this test, and how its time passes")


@pytest.fixture
def switchback(request):
    """A scenario served to this test alone."""
    marker = request.node.get_closest_marker("switchback")
    told = dict(marker.kwargs) if marker else {}
    unknown = set(told) - {"scenario", "time"}
    if unknown or (marker and marker.args):
        raise pytest.UsageError("the marker switchback takes scenario=... and time=..., and nothing else")
    beside = told.get("scenario") and request.node.path.parent / told["scenario"]
    yield from _served(request, beside, told.get("time"))


@pytest.fixture(scope="session")
def switchback_session(request):
    """The scenario of the option `switchback_scenario`, served to all tests that ask for it: what one does, the next sees."""
    yield from _served(request, None, None)


def _served(request, scenario, time):
    config = request.config
    scenario = scenario or _default_scenario(config)
    binary = config.getoption("--switchback-binary")
    served = Served(scenario, time or config.getini("switchback_time"), binary=binary)
    try:
        served.start()
    except SwitchbackError as error:
        # Where in this package it came up tells nobody anything.
        pytest.fail(f"{type(error).__name__}: {error}", pytrace=False)
    request.node.stash[_SERVED] = served
    yield served
    served.stop()


def _default_scenario(config):
    named = config.getini("switchback_scenario")
    if not named:
        raise pytest.UsageError("no scenario: mark the test with @pytest.mark.switchback(scenario=...), or set switchback_scenario")
    return Path(config.rootpath, named)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for name, node in (("switchback", item), ("switchback_session", item.session)):
        served = node.stash.get(_SERVED, None)
        if served is not None and name in item.fixturenames:
            report.sections.append((f"requests to {name}", _log(served)))


def _log(served):
    try:
        requests = served.requests()
    except SwitchbackError as error:
        return f"not to be had: {error}"
    left_out = len(requests) - SHOWN_REQUESTS
    lines = [f"({left_out} earlier ones)"] if left_out > 0 else []
    return "\n".join(lines + [_line(it) for it in requests[-SHOWN_REQUESTS:]]) or "none"


def _line(it):
    met = f"  met fault {it['fault']}" if it.get("fault") else ""
    return f"{it['at_seconds']:10.1f} s  {it['status']}  {it['surface']:7}  {it['method']:6} {it['path']}{met}"
