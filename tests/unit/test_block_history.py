"""What is usual within a series' own history."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml_core.domain.degradation.block_history import MAX_BLOCKS, largest_outside_share

VALUES = arrays.arrays(np.float64, st.integers(3, MAX_BLOCKS), elements=st.floats(-100, 100))


@given(VALUES, st.data())
def test_each_block_is_held_against_the_range_of_all_others(values, data):
    """The same as looking at block after block, each taken out of the series."""
    length = data.draw(st.integers(1, values.size - 1))
    shares = []
    for start in range(values.size - length + 1):
        block, rest = values[start : start + length], np.delete(values, range(start, start + length))
        shares.append(np.mean((block < rest.min()) | (block > rest.max())))

    assert largest_outside_share(values, length) == max(shares)


def test_a_climb_leaves_its_range_with_every_last_day():
    """Of a series that only rises, the last block lies wholly outside of what came before it."""
    assert largest_outside_share(np.arange(100.0), 10) == 1.0
