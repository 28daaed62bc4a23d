"""Rehearse disaster recovery: Switchback's emulators of Azure Site Recovery and vCenter, for a program or a test."""

from .errors import (
    BinaryNotFound,
    ClientNotInstalled,
    NotStarted,
    NeverReady,
    Refused,
    ScenarioInvalid,
    SwitchbackError,
    Unreachable,
)
from .served import Served

__all__ = [
    "BinaryNotFound",
    "ClientNotInstalled",
    "NeverReady",
    "NotStarted",
    "Refused",
    "ScenarioInvalid",
    "Served",
    "SwitchbackError",
    "Unreachable",
]
