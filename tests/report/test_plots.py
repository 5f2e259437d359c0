"""What a figure draws of few draws, and how it is kept."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from lib import paths
from lib.report import plots


def bars(axes):
    return [line for line in axes.lines if len(line.get_xdata()) == 2]


@pytest.mark.parametrize(("draws", "drawn"), [(1, 0), (2, 0), (3, 1), (5, 1)])
def test_two_draws_are_dots_without_an_interval(draws, drawn):
    """With t = 12.7 the interval of two draws would flatten every other of a figure."""
    figure, (line, place) = plt.subplots(1, 2)
    values = 0.7 + 0.01 * np.arange(draws)
    plots.marks(line, dict(enumerate(values)), 0, "red", here=())
    assert len(bars(line)) == drawn
    assert sum(len(each.get_xdata()) == 1 for each in line.lines) == draws + 1, "dots and mean"
    plots.curve(place, {1.0: values}, "red", "")
    assert len(bars(place)) == drawn if draws != 2 else len(bars(place)) == 1  # its two dots
    plt.close(figure)


def test_given_ends_are_drawn_whatever_the_number_of_draws():
    figure, axes = plt.subplots()
    plots.marks(axes, {"0": 0.5, "1": 0.6}, 0, "red", here=(), ends=(0.4, 0.7))
    (bar,) = bars(axes)
    assert list(bar.get_xdata()) == [0.4, 0.7]
    plt.close(figure)


# ---- how it is kept -----------------------------------------------------------------------------


@pytest.fixture
def figures(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    return tmp_path


def drawn(image=None):
    """Lines in the colours of all roles, beside an image if one is given."""
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    for slope, colour in enumerate(plots.ROLES.values()):
        left.plot([0, 1], [0, slope + 1], color=colour, alpha=0.7)
    if image is not None:
        plots.show(right, image)
    return figure


def colours(file):
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


@pytest.mark.parametrize("shade", [None, np.linspace(0, 1, 256).reshape(16, 16)])
def test_a_figure_is_kept_small_in_its_own_colours_and_the_same_again(figures, shade):
    plots.use_style()
    figure = drawn(shade)
    plots.save(figure, "toy", "a")
    first = (figures / "toy" / "a.png").read_bytes()
    plots.save(figure, "toy", "a")
    assert (figures / "toy" / "a.png").read_bytes() == first
    box = figure.get_tightbbox().padded(plt.rcParams["savefig.pad_inches"])
    figure.savefig(figures / "whole.png", bbox_inches=box)
    plt.close(figure)
    whole, kept = colours(figures / "whole.png"), colours(figures / "toy" / "a.png")
    apart, grey = np.abs(whole - kept), np.ptp(whole, axis=2) == 0
    assert apart.max() <= 16
    assert apart[grey].max() <= 1, "a grey stays grey"
    assert len(first) < 0.75 * (figures / "whole.png").stat().st_size


def test_a_picture_of_many_colours_keeps_every_one():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.array_equal(np.asarray(plots.lean(Image.fromarray(noise))), noise)


def test_pixels_are_kept_once(figures):
    vector = figures / "toy" / "a.svg"
    for image, there in ((None, True), (np.eye(8), False), (None, True)):
        figure = drawn(image)
        plots.save(figure, "toy", "a")
        plt.close(figure)
        assert vector.is_file() == there


def test_a_cloud_is_seen_in_the_range_of_the_real_one():
    figure, axes = plt.subplots()
    points = np.array([[9.0, 9.0], [0.5, 1.0]])
    plots.cloud(axes, points, np.array([[0.0, 0.0], [1.0, 10.0]]), "black")
    assert axes.get_xlim() == pytest.approx((-0.2, 1.2))
    assert axes.get_ylim() == pytest.approx((-2, 12))
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), points)
    plt.close(figure)


def test_classes_and_their_deviations_have_one_colour():
    figure, axes = plt.subplots()
    points, labels = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), np.array([1, 0, 1])
    plots.by_class(axes, points, labels, ("red", "blue"))
    plots.rings(axes, points[:2], np.array([[1.0, 0.5], [2.0, 3.0]]), ("red", "blue"))
    dots, rings = axes.lines[:2], axes.lines[2:]
    np.testing.assert_array_equal(dots[1].get_xydata(), points[[0, 2]])
    assert [line.get_color() for line in (*dots, *rings)] == ["red", "blue"] * 2
    for ring, mean, sd in zip(rings, points, [[1.0, 0.5], [2.0, 3.0]], strict=False):
        far = (ring.get_xydata() - mean) / sd
        np.testing.assert_allclose((far**2).sum(1), 1, atol=1e-9)
    plt.close(figure)


def test_shares_stand_in_their_line_and_column():
    figure, axes = plt.subplots()
    plots.shares(axes, np.array([[0.9, 0.1], [0.3, 0.7]]), ("a", "b"))
    said = {text.get_position(): text.get_text() for text in axes.texts}
    assert said == {(0, 0): "0.90", (1, 0): "0.10", (0, 1): "0.30", (1, 1): "0.70"}
    assert [text.get_color() for text in axes.texts] == ["white", "black", "black", "white"]
    plt.close(figure)


@pytest.mark.parametrize(("signed", "left"), [(False, 0), (True, -1)])
def test_an_axis_is_linear_up_to_the_null_and_its_band(signed, left):
    figure, axes = plt.subplots()
    axes.plot([0.5, 1000], [0, 1])
    plots.beyond(axes, {"null": 0.3, "null_sd": 0.1}, signed)
    assert axes.get_xlim() == (left, 1500)
    near, mid, one, ten, hundred = axes.transData.transform(
        [(x, 0) for x in (0.2, 0.4, 1, 10, 100)]
    )[:, 0]  # fmt: skip
    zero = axes.transData.transform((0, 0))[0]
    assert mid - near == pytest.approx(near - zero)
    assert hundred - ten == pytest.approx(ten - one)
    plt.close(figure)


@pytest.mark.parametrize(("low", "high"), [(4e-4, 6e-3), (0.03, 0.6), (0.01, 0.09), (0.015, 2.6)])
def test_numbers_of_a_logarithmic_axis_stand_apart(low, high):
    """Less than a decade, matplotlib also numbers the lines between, one over the other."""
    figure, axes = plt.subplots(figsize=(2.5, 2))
    axes.plot([low, high], [0, 1])
    plots.logarithmic(axes)
    figure.canvas.draw()
    texts = [*axes.xaxis.get_ticklabels(), *axes.xaxis.get_ticklabels(minor=True)]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    within = [box for box in boxes if axes.bbox.x0 <= (box.x0 + box.x1) / 2 <= axes.bbox.x1]
    assert len(within) >= 2
    assert not any(box.overlaps(other) for box in within for other in within if other is not box)
    plt.close(figure)
