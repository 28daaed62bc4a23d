"""The plugin of pytest, run on test files that are written here."""

import pytest


@pytest.fixture
def project(pytester, site):
    """A project with a scenario."""
    (pytester.path / "site.yaml").write_text(site.read_text())
    return pytester


def test_the_marker_says_which_scenario_and_which_time(project):
    project.makepyfile("""
        import pytest

        @pytest.mark.switchback(scenario="site.yaml", time="60x")
        def test_it(switchback):
            assert switchback.state()["machines"] == 1
    """)
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_each_test_has_its_own_server_and_the_session_one_for_all(project):
    project.makeini("[pytest]\nswitchback_scenario = site.yaml")
    project.makepyfile("""
        seen = []

        def test_one(switchback, switchback_session):
            assert switchback.url != switchback_session.url
            seen.append((switchback.url, switchback_session.url, switchback_session.advance(600)["seconds"]))

        def test_two(switchback, switchback_session):
            (before, session, seconds), = seen
            assert (switchback_session.url, switchback_session.state()["seconds"]) == (session, seconds)
            assert switchback.state()["seconds"] < seconds
    """)
    project.runpytest_subprocess().assert_outcomes(passed=2)


FAILING = """
    import urllib.error, urllib.request

    def test_it(switchback):
        try:
            urllib.request.urlopen(switchback.url.replace("https", "http") + "/sdk", b"no soap")
        except urllib.error.HTTPError:
            pass
        assert {}
"""


def test_a_test_that_fails_shows_what_was_asked(project):
    project.makeini("[pytest]\nswitchback_scenario = site.yaml")
    project.makepyfile(FAILING.format("False"))
    ended = project.runpytest_subprocess()
    ended.assert_outcomes(failed=1)
    ended.stdout.fnmatch_lines(["*requests to switchback*", "*vsphere*POST*/sdk*"])


def test_a_test_that_passes_shows_nothing(project):
    project.makeini("[pytest]\nswitchback_scenario = site.yaml")
    project.makepyfile(FAILING.format("True"))
    ended = project.runpytest_subprocess()
    ended.assert_outcomes(passed=1)
    ended.stdout.no_fnmatch_line("*requests to switchback*")


def test_without_a_scenario_the_test_says_what_is_missing(project):
    project.makepyfile("def test_it(switchback): pass")
    ended = project.runpytest_subprocess()
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*no scenario: mark the test*"])


def test_a_marker_with_an_unknown_word_is_refused(project):
    project.makepyfile("""
        import pytest

        @pytest.mark.switchback(scenery="site.yaml")
        def test_it(switchback): pass
    """)
    ended = project.runpytest_subprocess()
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*takes scenario=... and time=...*"])


def test_another_program_is_started_when_it_is_named(project):
    project.makeini("[pytest]\nswitchback_scenario = site.yaml")
    project.makepyfile("def test_it(switchback): pass")
    ended = project.runpytest_subprocess("--switchback-binary", "nowhere/switchback")
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*BinaryNotFound: nowhere/switchback*"])
