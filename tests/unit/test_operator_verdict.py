"""The two rates that follow from people's verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.domain.operator_verdict import VerdictCounts

COUNTS = st.integers(0, 200)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.integers(1, 10_000), st.floats(0, 1))
def test_rates_are_shares(confirmed: int, false: int, missed: int, normal: int, scored: int, share: float) -> None:
    """Both lie between 0 and 1 wherever they can be told."""
    counts = VerdictCounts(confirmed=confirmed, false_alarm=false, missed=missed, normal=normal)
    flagged = int(scored * share)

    for rate in (
        counts.accuracy(scored=scored, flagged=flagged),
        counts.false_positive_rate(scored=scored, flagged=flagged),
    ):
        assert rate is None or -1e-9 <= rate <= 1 + 1e-9


def test_false_positive_rate_by_hand() -> None:
    """100 flagged of 10,000, half of the reviewed false: 50 false alarms over 9,950 normal readings."""
    rate = VerdictCounts(confirmed=15, false_alarm=15).false_positive_rate(scored=10_000, flagged=100)

    assert rate == pytest.approx(50 / 9_950)


def test_nothing_reviewed_has_no_rates() -> None:
    """Without verdicts there is no figure, not a flattering one."""
    assert VerdictCounts().accuracy(scored=100, flagged=1) is None
    assert VerdictCounts().false_positive_rate(scored=100, flagged=1) is None
