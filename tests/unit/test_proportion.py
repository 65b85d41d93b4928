"""The interval of a share: within bounds, around the share, and the published one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ml_core.domain.reviews.proportion import wilson_interval


@given(st.integers(1, 400), st.data())
def test_it_is_scipys(n: int, data: st.DataObject) -> None:
    """For whole counts it is the interval that scipy gives."""
    count = data.draw(st.integers(0, n))

    expected = binomtest(count, n).proportion_ci(method="wilson")

    assert wilson_interval(count / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.floats(0, 1), st.floats(0.1, 1e6))
def test_it_holds_the_share(share: float, n: float) -> None:
    """Also for effective sizes that are not whole."""
    low, high = wilson_interval(share, n)

    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1


@pytest.mark.parametrize(("share", "n"), [(1.2, 10), (-0.1, 10), (0.5, 0)])
def test_what_is_no_share_is_refused(share: float, n: float) -> None:
    """A mistake of the caller is named."""
    with pytest.raises(ValueError, match="a share in"):
        wilson_interval(share, n)
