"""A scenario that is served: what can be asked of it, and how it ends when it cannot be."""

import os
import time
import urllib.error
import urllib.request

import pytest
import switchback


def program(folder, text):
    """A program that is not Switchback."""
    file = folder / "other"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def left_over(folder):
    return [name for name in os.listdir(folder) if name.startswith("switchback-")]


def test_it_says_where_it_is_and_is_gone_afterwards(site):
    with switchback.Served(site) as served:
        url, ca_file = served.url, served.ca_file
        assert url.startswith("https://localhost:")
        assert ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert served.vault_path.endswith(f"/resourceGroups/{served.resource_group}/providers/Microsoft.RecoveryServices/vaults/rsv-dr")
        assert served.state()["machines"] == 1
    assert not ca_file.exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url.replace("https", "http") + "/switchback/health")
    with pytest.raises(switchback.Unreachable):
        served.advance(1)


def test_time_passes_when_it_is_let_and_begins_again(site):
    with switchback.Served(site) as served:
        begun = served.state()["seconds"]
        assert served.advance(600)["seconds"] == begun + 600
        assert served.reset()["seconds"] == begun


def test_more_than_a_month_is_refused(site):
    with switchback.Served(site) as served:
        with pytest.raises(switchback.Refused) as refused:
            served.advance(32 * 24 * 3600)
        assert (refused.value.status, refused.value.code) == (400, "Malformed")


def test_a_snapshot_brings_the_world_back(site):
    with switchback.Served(site) as served:
        kept = served.snapshot()
        then, digest = served.state()["seconds"], served.digest()
        served.advance(600)
        assert served.digest() != digest
        served.restore(kept)
        assert (served.state()["seconds"], served.digest()) == (then, digest)
        with pytest.raises(switchback.Refused):
            served.restore("nobody")


def test_faults_are_injected_and_cleared(site):
    fault = {"surface": "azure", "effect": {"fail": {"status": 503, "code": "ServiceUnavailable"}}}
    with switchback.Served(site) as served:
        first, second = served.inject(fault), served.inject(fault)
        served.clear(first)
        assert [one["number"] for one in served.faults()] == [second]
        served.clear()
        assert served.faults() == []
        with pytest.raises(switchback.Refused, match="bogus"):
            served.inject({"bogus": 1})


def test_an_intervention_is_done(site):
    with switchback.Served(site) as served:
        first = served.intervene({"at": "0s", "cut": {"link": "wan", "for": "20m"}})
        second = served.intervene({"at": "0s", "cut": {"link": "wan", "for": "20m"}})
        assert (first, second) == ([1], [2])


def test_the_trace_and_the_requests_are_whole(site):
    with switchback.Served(site) as served:
        assert served.requests() == []
        assert [one["number"] for one in served.trace()][:1] == [1]
        request = f"{served.url.replace('https', 'http')}/sdk"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, b"no soap")
        assert [(one["surface"], one["path"]) for one in served.requests()] == [("vsphere", "/sdk")]


def test_the_clients_are_ready(site):
    pytest.importorskip("azure.mgmt.recoveryservicessiterecovery")
    pytest.importorskip("pyVmomi")
    with switchback.Served(site) as served:
        fabrics = served.azure_client().replication_fabrics.list(served.resource_group, served.vault)
        assert len(list(fabrics)) == 1
        assert served.vsphere().RetrieveContent().about.apiType == "VirtualCenter"


def test_a_scenario_with_mistakes_is_refused_with_the_diagnostic(mistaken, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(switchback.ScenarioInvalid) as refused:
        switchback.Served(mistaken).start()
    assert refused.value.code == 10
    assert "`bogus` is not a key of the scenario" in refused.value.diagnostic
    assert left_over(tmp_path) == []


def test_a_pace_that_is_none_does_not_start(site):
    with pytest.raises(switchback.NotStarted, match="60x") as refused:
        switchback.Served(site, time="soon").start()
    assert refused.value.code == 2


def test_a_missing_program_is_named(site, tmp_path, monkeypatch):
    with pytest.raises(switchback.BinaryNotFound, match="nowhere"):
        switchback.Served(site, binary=tmp_path / "nowhere").start()
    monkeypatch.setenv("SWITCHBACK_BINARY", str(tmp_path / "not-here"))
    with pytest.raises(switchback.BinaryNotFound, match="not-here"):
        switchback.Served(site).start()


def test_a_server_that_is_never_ready_is_given_up_and_stopped(site, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deaf = program(tmp_path, f"echo $$ >{tmp_path}/pid; echo waiting for nothing >&2; exec sleep 600")
    began = time.monotonic()
    with pytest.raises(switchback.NeverReady, match="waiting for nothing"):
        switchback.Served(site, binary=deaf, ready_seconds=1).start()
    assert time.monotonic() - began >= 1
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert left_over(tmp_path) == []
