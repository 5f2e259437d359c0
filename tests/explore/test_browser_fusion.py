"""Fusion and spectra in the browser, against the library's own."""

import numpy as np
import pytest

from lib.explore.host import SCRIPTS
from lib.generators import control, fusion
from lib.metrics.deviations import lesion_spectrum

SIDE = 64


@pytest.fixture
def script(page):
    """A page that has read fusion.js."""
    page.add_script_tag(content=(SCRIPTS / "fusion.js").read_text())
    return page


@pytest.fixture(scope="module")
def fields():
    """Image, substrate, deviation; masks in the middle, of two parts, and at the border."""
    rng, (row, column) = np.random.default_rng(3), np.indices((SIDE, SIDE))
    discs = [np.hypot(row - r, column - c) < size for r, c, size in ((30, 33, 9), (3, 60, 8))]
    masks = np.stack([discs[0], discs[0] | (np.hypot(row - 8, column - 8) < 4), discs[1]])
    image, substrate = rng.random((2, 1, SIDE, SIDE)).astype(np.float32)
    deviation = rng.normal(0, 0.2, (1, SIDE, SIDE)).astype(np.float32)
    return image, substrate, deviation, masks


def plain(field):
    return np.asarray(field, float).ravel().tolist()


@pytest.mark.parametrize("kind", fusion.FUSIONS)
def test_fused_images_are_the_librarys(script, fields, kind):
    image, substrate, deviation, masks = fields
    for mask, sigma in zip(masks, (0.0, 1.0, 2.5), strict=True):
        true = fusion.fuse(kind, substrate, deviation, mask[None], image, sigma)
        call = "([kind, x, r, m, y, sigma]) => Array.from(fuse(kind, x, r, m, y, sigma, 64))"
        given = [kind, plain(substrate), plain(deviation), plain(mask), plain(image), sigma]
        assert np.allclose(script.evaluate(call, given), true.ravel(), atol=1e-4)


def test_masks_move_and_end_at_the_brain_as_in_the_library(script, fields):
    image, masks = fields[0], fields[3]
    image = np.where(image > 0.5, image, 0.0)
    for mask, (rows, columns) in zip(masks, ((5, -7), (-12, 3), (0, 0)), strict=True):
        true = control.within(control.moved(mask[None], rows, columns), image)
        call = "([m, y, r, c]) => Array.from(withinBrain(shifted(m, 64, r, c), y))"
        found = script.evaluate(call, [plain(mask), plain(image), rows, columns])
        assert np.array_equal(np.array(found).reshape(1, SIDE, SIDE), true)


def test_spectrum_is_the_librarys(script, fields):
    deviation, masks = fields[2], fields[3]
    for mask in masks:
        true = lesion_spectrum(deviation, mask[None])
        given = [plain(deviation), plain(mask)]
        found = script.evaluate("([r, m]) => lesionSpectrum(r, m, 64)", given)
        assert np.allclose(found, true, rtol=1e-6)


def test_errors_are_split_at_the_mask(script, fields):
    image, substrate, _, masks = fields
    call = "([a, b, m]) => meanError(a, b, m)"
    found = script.evaluate(call, [plain(image), plain(substrate), plain(masks[0])])
    apart = abs(image - substrate)[0]
    assert found["inside"] == pytest.approx(apart[masks[0]].mean(), rel=1e-5)
    assert found["outside"] == pytest.approx(apart[~masks[0]].mean(), rel=1e-5)
    assert script.evaluate(call, [[0], [1], [1]])["outside"] is None
