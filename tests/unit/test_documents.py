"""What documents list is what the code has."""

from pathlib import Path

from ml_core.domain.detectors.adaptive.budget import DECADES
from ml_core.domain.detectors.adaptive.layout import FEATURES, STATE
from ml_core.domain.detectors.detector import FitOptions
from ml_core.domain.detectors.detector_kinds import DETECTOR_KINDS
from ml_core.domain.incidents.runbook import CHECKS
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


def test_the_page_on_detection_says_what_the_detector_does() -> None:
    """Every feature and kind, the default budget, its constant and the size of a state."""
    page = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")

    told = [*(f"`{name}`" for name in FEATURES), *(f"`{detector.kind}`" for detector in DETECTOR_KINDS)]
    assert [name for name in told if name not in page] == []
    assert FitOptions().false_alarm_budget in page.replace("\n", " ")
    assert f"/ {DECADES}" in page
    assert f"{STATE.itemsize / 1000:.0f} kB" in page
