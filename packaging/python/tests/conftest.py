"""What the tests of the package share."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent


@pytest.fixture
def site():
    """A scenario without mistakes."""
    return HERE.parent / "sample" / "site.yaml"


@pytest.fixture
def mistaken():
    """A scenario with mistakes."""
    return HERE / "mistaken.yaml"
