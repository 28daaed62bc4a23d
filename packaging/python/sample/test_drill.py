"""The script of the project, rehearsed: as it should go, with a vault that throttles, and where it may not succeed."""

import pytest
from azure.core.exceptions import HttpResponseError

from failover import Vault

MACHINE = "web-01"


@pytest.fixture
def vault(switchback):
    """The vault, in which the machine is protected."""
    vault = Vault(switchback.azure_client(), switchback.resource_group, switchback.vault)
    vault.protect(MACHINE, vault.policy("policy-1"))
    while vault.item(MACHINE).protection_state != "Protected":
        assert switchback.state()["seconds"] < 24 * 3600, "the first copy takes less than a day"
    return vault


def test_a_machine_fails_over_and_is_committed(switchback, vault):
    switchback.advance(600)
    point = vault.fail_over(MACHINE)
    item = vault.item(MACHINE)
    assert item.active_location == "Recovery"
    assert item.failover_recovery_point_id.endswith(point)
    vault.commit(MACHINE)
    assert "Commit" not in vault.item(MACHINE).allowed_operations


def test_a_vault_that_throttles_costs_patience_and_nothing_else(switchback, vault):
    throttle = {"throttle": {"retry-after-seconds": 1}}
    number = switchback.inject({"surface": "azure", "method": "POST", "path": "unplannedFailover", "times": 1, "effect": throttle})
    vault.fail_over(MACHINE)
    assert [fault["met"] for fault in switchback.faults() if fault["number"] == number] == [1]
    assert vault.item(MACHINE).active_location == "Recovery"


def test_a_commit_before_a_failover_is_refused(vault):
    with pytest.raises(HttpResponseError) as refused:
        vault.commit(MACHINE)
    assert refused.value.status_code == 409
    assert vault.item(MACHINE).active_location == "Primary"
