"""What a machine lacks is skipped loudly, and fails where everything is required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT

NEEDY = """
import pytest

@pytest.mark.nginx
def test_needs_nginx():
    assert True

def test_needs_nothing():
    assert True
"""


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Pytest with the suite's own plugin, on a machine whose PATH is empty."""
    (folder / "test_needy.py").write_text(NEEDY)
    others = {name: value for name, value in os.environ.items() if not name.startswith(("LYCEUM_", "PYTEST_"))}
    named = {"LYCEUM_TEST_POSTGRES": "postgresql://named", "LYCEUM_TEST_REDIS": "redis://named", "PATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-q", "--rootdir", str(folder), str(folder)],
        cwd=ROOT,
        env={**others, **named, **environment},
        capture_output=True,
        text=True,
    )


def test_skipped_loudly(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    last = done.stdout.splitlines()[-4:]
    assert any("left out" in line and "nginx" in line and "chromium" in line for line in last), done.stdout


def test_required(tmp_path: Path) -> None:
    done = run(tmp_path, LYCEUM_TEST_REQUIRE_ALL="1")
    assert done.returncode == 1
    assert "1 passed" in done.stdout
    assert "1 error" in done.stdout
    assert "missing: nginx" in done.stdout


@pytest.mark.parametrize("name", ["nginx", "redis", "chromium", "postgresql", "node"])
def test_everything_has_a_package(name: str) -> None:
    from tests.services import PACKAGES

    assert name in PACKAGES
