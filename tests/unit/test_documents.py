"""What documents list is what the code has."""

from pathlib import Path

from ml_core.domain.runbook import CHECKS
from ml_core.manifest import load_manifest

ROOT = Path(__file__).parents[2]


def test_the_readme_lists_every_task() -> None:
    """A row of its table for each task of the manifest."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [spec.task_id for spec in load_manifest().tasks if f"| `{spec.task_id}` |" not in readme] == []


def test_every_check_has_its_runbook_and_every_runbook_its_check() -> None:
    """A link in an issue always leads somewhere."""
    runbooks = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}

    assert runbooks == set(CHECKS)
