"""Findings of films: toys are learnt, steps counted, seeds kept, pools and weights used."""

import numpy as np
import pytest
import torch
from toy_pools import changed, film_set, pool

from lib.metrics import multilabel
from lib.tasks import aligned, findings

FOUR = [0, 1, 3, 6]
SMALL = {"network": "small", "steps": 60, "batch": 16}
TRAIN, VALIDATION, TEST = film_set(160, 1), film_set(40, 2), film_set(150, 3)


def areas(arm, columns=FOUR, part=TEST):
    p = arm.arrays["probability/test"]
    return [multilabel.label_scores(part.arrays["labels"][:, c], p[:, i], None)["auc"]
            for i, c in enumerate(columns)]  # fmt: skip


def counted(monkeypatch):
    """The sizes of the batches that `fit` draws, filled as it goes."""
    seen, real = [], findings.segment.index_batches

    def watched(n, extra, *more):
        for at in real(n, extra, *more):
            seen.append((int((at < n).sum()), int((at >= n).sum())))
            yield at

    monkeypatch.setattr(findings.segment, "index_batches", watched)
    return seen


@pytest.mark.parametrize(("network", "steps"), [("small", 60), ("resnet", 60)])
def test_findings_at_their_places_are_told_apart(network, steps):
    settings = SMALL | {"network": network, "steps": steps}
    made = findings.arm(TRAIN, None, FOUR, VALIDATION, TEST, settings, [0])
    assert made.arrays["probability/test"].shape == (150, 4)
    assert min(areas(made)) > 0.97
    assert made.scores == {"columns": FOUR, "images": 160, "steps": steps}


def test_one_finding_is_learnt_like_several():
    made = findings.arm(TRAIN, None, [1], VALIDATION, TEST, SMALL, [0])
    assert made.arrays["probability/test"].shape == (150, 1) and areas(made, [1])[0] > 0.97


def test_the_same_stream_gives_the_same_bytes_and_stored_weights_the_same_answers():
    job = [findings.findings_job(TRAIN, 40, FOUR, SMALL | {"steps": 4, "augment": augment}, [seed])
           for augment, seed in ((False, 0), (False, 0), (False, 1), (True, 0))]  # fmt: skip
    first, again, other, moved = ([each.arrays[k] for k in sorted(each.arrays)] for each in job)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for different in (other, moved):
        assert not all(np.array_equal(a, b) for a, b in zip(first, different, strict=True))
    arm = findings.arm(TRAIN, 40, FOUR, VALIDATION, TEST, SMALL | {"steps": 4}, [0])
    answered = findings.predict(findings.load(job[0]), TEST.arrays["image"])
    assert np.array_equal(answered, arm.arrays["probability/test"])


def test_steps_are_equal_with_a_pool_unless_epochs_are(monkeypatch):
    seen, settings = counted(monkeypatch), SMALL | {"steps": 6, "batch": 8}
    alone = findings.findings_job(TRAIN, 20, FOUR, settings, [0])
    with_pool = findings.findings_job(TRAIN, 20, FOUR, settings, [0], pool(50), 50)
    assert alone.scores["steps"] == with_pool.scores["steps"] == 6 and len(seen) == 12
    assert (alone.scores["images"], with_pool.scores["images"]) == (20, 70)
    del seen[:]
    epochs = findings.findings_job(TRAIN, 20, FOUR, settings | {"epochs": True}, [0], pool(50), 40)
    assert epochs.scores["steps"] == 18 and len(seen) == 18  # 1 + 40 / 20 times
    assert sum(real for real, _ in seen) == pytest.approx(6 * 8, abs=8), "as often as alone"


def test_a_share_of_the_batch_is_synthetic(monkeypatch):
    seen, settings = counted(monkeypatch), SMALL | {"steps": 5, "batch": 8, "synthetic": 0.25}
    findings.findings_job(TRAIN, 20, FOUR, settings, [0], pool(50), None)
    assert seen == [(6, 2)] * 5


def test_a_pool_teaches_what_few_films_cannot_and_wrong_labels_spoil_it():
    few = findings.arm(TRAIN, 4, [0], VALIDATION, TEST, SMALL, [0])
    added = pool(160, 5)
    helped = findings.arm(TRAIN, 4, [0], VALIDATION, TEST, SMALL, [0], added, None)
    turned = changed(added, labels=1 - added.arrays["labels"])
    harmed = findings.arm(TRAIN, 4, [0], VALIDATION, TEST, SMALL, [0], turned, None)
    assert areas(helped, [0])[0] > areas(few, [0])[0] + 0.02
    assert areas(harmed, [0])[0] < 0.5 < areas(few, [0])[0]


def test_balanced_weights_are_negatives_over_positives():
    labels = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]], np.uint8)
    assert findings.positive_weights(labels).tolist() == pytest.approx([3, 1, 1 / 3])
    rare, grey = (np.arange(120) % 10 == 0)[:, None], np.full((120, 64, 64), 0.5, np.float32)
    s = findings.FindingsSettings("small", steps=60, rate=0.05, batch=20)
    p = [findings.predict(findings.fit(grey, rare, s, np.random.default_rng(0), weighting=each),
                          grey[:1]).item() for each in (None, "balanced")]  # fmt: skip
    assert p == pytest.approx([0.1, 0.5], abs=0.05), "of images that say nothing"


def test_an_encoder_aligned_with_reports_needs_fewer_labels():
    start = aligned.align_job(TRAIN, None, {"network": "small", "steps": 60, "batch": 32}, [3])
    settings = SMALL | {"steps": 15}
    found = [np.mean(areas(findings.arm(TRAIN, 20, FOUR, VALIDATION, TEST, settings, [0],
                                        start=each))) for each in (None, start)]  # fmt: skip
    assert found[1] > found[0] + 0.05
    with pytest.raises(RuntimeError, match="Missing key"):
        findings.findings_job(TRAIN, 20, FOUR, settings | {"network": "resnet"}, [0], start=start)


def test_reports_that_read_alike_count_as_one_and_padding_says_nothing():
    noise = torch.Generator().manual_seed(0)
    film, report = torch.nn.functional.normalize(torch.randn(2, 6, 8, generator=noise), dim=2)
    report[1], shares = report[0], torch.eye(6)
    shares[:2, :2] = 0.5
    logits = film @ report.T / 0.5
    both = [torch.nn.functional.cross_entropy(each, shares) for each in (logits, logits.T)]
    assert aligned.alignment(film, report, 0.5) == pytest.approx(float(sum(both)) / 2)
    assert aligned.alignment(film, film, 0.01) < 0.01 < aligned.alignment(film, film.flip(0), 0.01)
    net = aligned.ReportEncoder()
    words = torch.tensor([[5, 7, 2, 0, 0]])
    longer = torch.tensor([[5, 7, 2, 0, 0, 0, 0, 0]])
    assert torch.allclose(net(words), net(longer), atol=1e-6)
    assert not torch.allclose(net(words), net(torch.tensor([[7, 5, 2, 0, 0]])), atol=1e-3)


def test_what_does_not_fit_is_refused_before_training():
    with pytest.raises(ValueError, match="is in both train and test"):
        findings.arm(TRAIN, None, FOUR, VALIDATION, TRAIN, SMALL, [0])
    with pytest.raises(ValueError, match="is in both validation and test"):
        findings.arm(TRAIN, None, FOUR, TEST, TEST, SMALL, [0])
    with pytest.raises(ValueError, match="network is 'vgg', batch 16"):
        findings.findings_job(TRAIN, None, FOUR, SMALL | {"network": "vgg"}, [0])
    with pytest.raises(ValueError, match="weighting 'rare' is unknown"):
        findings.findings_job(TRAIN, None, FOUR, SMALL, [0], weighting="rare")
    with pytest.raises(ValueError, match=r"synthetic is 0.5, but there is no pool"):
        findings.findings_job(TRAIN, None, FOUR, SMALL | {"synthetic": 0.5}, [0])
    with pytest.raises(ValueError, match="170 images are asked of a set of 160"):
        findings.findings_job(TRAIN, 170, FOUR, SMALL, [0])
    with pytest.raises(ValueError, match="3 reports for 4 films"):
        aligned.fit(TRAIN.arrays["image"][:4], TRAIN.arrays["tokens"][:3],
                    aligned.AlignSettings(), np.random.default_rng(0))  # fmt: skip
