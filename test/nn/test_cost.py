# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fractions import Fraction

import pytest

from obstacle_classifier.nn.cost import cost, describe_cost, measure_time

pytestmark = pytest.mark.runtime


def test_counts_by_hand() -> None:
    total = cost(2, 3, 1, n=5)
    # X W: (5, 2)(2, 3) is 30 multiplications and 30 additions; (5, 3)(3, 3) 45 and 45; (5, 3)(3, 1) 15 and 15.
    assert [layer.forward for layer in total.layers] == [60, 90, 30]
    assert total.forward == 180
    # dW = X^T G: (2, 5)(5, 3) is 60 in all; dX = G W^T: (5, 3)(3, 2) is 60 in all; likewise the others.
    assert [layer.training for layer in total.layers] == [180, 270, 90]
    assert total.training == 540
    assert total.training_without_first_dx == 480
    assert total.ratio == 3
    assert total.ratio_without_first_dx == Fraction(480, 180) == 3 - Fraction(2, 6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (64, 128, 10), (1000, 3, 7)])
@pytest.mark.parametrize("n", [1, 100])
def test_ratios_do_not_depend_on_n(shape: tuple[int, int, int], n: int) -> None:
    d, h, c = shape
    total = cost(d, h, c, n)
    assert total.forward == 2 * n * h * (d + h + c)
    assert total.ratio == 3
    assert total.ratio_without_first_dx == 3 - Fraction(d, d + h + c)


def test_example_of_the_specification() -> None:
    assert float(cost(64, 128, 10).ratio_without_first_dx) == pytest.approx(2.68, abs=0.005)


def test_description_shows_counts_and_both_ratios() -> None:
    text = describe_cost(64, 128, 10)
    assert "ratio = 155,136 / 51,712 = 3," in text
    assert "ratio = 138,752 / 51,712 = 3 - d/(d + h + c) = 3 - 64/202 = 2.6832" in text
    assert "Measured" not in text
    (row,) = (line.split() for line in text.splitlines() if line.startswith("Linear(128, 128)"))
    assert row[-4:] == ["32,768", "32,768", "32,768", "98,304"]


def test_measured_ratio_is_shown() -> None:
    timing = measure_time(4, 8, 2, n=10, repeats=3)
    assert timing.ratio == timing.training / timing.forward > 0
    text = describe_cost(4, 8, 2, timing=timing)
    assert f"ratio {timing.ratio:.2f}" in text
    assert f"ratio {timing.ratio_without_first_dx:.2f}" in text


@pytest.mark.parametrize("arguments", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_empty_shapes_are_refused(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        cost(*arguments)
