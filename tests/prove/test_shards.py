"""The long proofs in parts: together they are all of them, and a part that is empty is no failure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
PROOFS = """
import pytest

@pytest.mark.prove
@pytest.mark.parametrize("number", range(12))
def test_proof(number, seed):
    print("seed is", seed)

def test_other():
    pass
"""


@pytest.fixture
def proofs(tmp_path: Path) -> Path:
    """A folder with this folder's conftest.py and twelve proofs."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_proofs.py").write_text(PROOFS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = prove\n")
    return tmp_path


def play(folder: Path, shard: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CONNECTOR_", "PYTEST_"))}
    environ = {**inherited, "CONNECTOR_PROVE_SHARD": shard, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


def passed(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"(test_\w+(?:\[\d+\])?) PASSED", done.stdout)


def test_the_parts_together_are_everything(proofs):
    """Each proof is in exactly one part."""
    parts = [passed(play(proofs, f"{part}/2", "-m", "prove")) for part in (1, 2)]

    assert sorted(name for part in parts for name in part) == sorted(f"test_proof[{number}]" for number in range(12))
    assert all(len(part) < 12 for part in parts)


def test_without_a_part_everything_is_played(proofs):
    """And what is no proof is never left out."""
    everything = play(proofs, "", "-s")

    assert "13 passed" in everything.stdout
    assert "seed is 1" in everything.stdout
    assert "test_other" in passed(play(proofs, "1/1000"))


def test_a_proof_stays_in_its_part(proofs):
    """However many others there are."""
    before = passed(play(proofs, "2/3", "-m", "prove"))
    (proofs / "test_proofs.py").write_text(PROOFS.replace("range(12)", "range(40)"))
    after = passed(play(proofs, "2/3", "-m", "prove"))

    assert before
    assert set(before) < set(after)


def test_an_empty_part_is_no_failure_but_no_proofs_at_all_are(proofs):
    """So that a tenth of few proofs does not break a build, and a lost folder of proofs does."""
    empty = play(proofs, "1/100000", "-m", "prove")
    (proofs / "test_proofs.py").write_text("def test_other(): pass")
    none = play(proofs, "1/100000", "-m", "prove")

    assert (empty.returncode, passed(empty)) == (0, [])
    assert none.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("shard", ["3", "11/10"])
def test_a_part_that_is_none_is_refused(proofs, shard):
    """A typing error must not quietly play something else."""
    done = play(proofs, shard)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f'CONNECTOR_PROVE_SHARD is "{shard}"; write it like 3/10' in done.stdout + done.stderr


def test_the_seed_is_the_environments(proofs):
    """The same choices can be made again."""
    done = play(proofs, "1/2", "-s", CONNECTOR_PROVE_SEED="77")

    assert "seed is 77" in done.stdout
    assert "seed is 1" not in done.stdout
