"""The robustness analysis that the paper announces and does not show (PV-17, PV-E04)."""

from collections.abc import Iterable

from lib import jobs
from lib.datasets import variants
from lib.jobs import Job
from lib.metrics.classification import sensitivity_at_specificity
from lib.papers.arms import Arm
from lib.papers.pavae.study import Study, phantom_study
from lib.papers.table import Scores, Table, row
from lib.profiles import Plan
from lib.scores import robustness
from lib.tasks import classify

ARMS = ("real", "classic", "smooth", "pavae", "oracle")
FLAT = ("real", "pavae", "oracle")  # arms that are also trained and tested after CLAHE
STRENGTHS = (1, 2, 3)
MODERATE = (0.02, 0.10)  # a "moderate" drop of AUC, fixed before any result
HELD = ("real", "pavae")  # arms whose threshold is kept while the scanner drifts


def network(study: Study, arm: Arm, k: int) -> Job:
    """The downstream network of an arm; the same training as in the main comparison."""
    n = study.size.labelled
    return _network(study, arm, study.train(k), study.pool(arm, k), k, n)


def _network(study: Study, arm: Arm, real: Job, pool: Job | None, k: int, n: int) -> Job:
    return Job(
        classify.fit_job, data=real, n=n, pool=pool, extra=n,
        settings=study.downstream(arm.augment), stream=study.stream("arm", k),
    )  # fmt: skip


def drifted(study: Study, sds: int) -> Job:
    """The test subjects on a scanner that has drifted by so many standard deviations."""
    return Job(
        variants.drifted_set, law=study.regime, sds=float(sds), n=study.size.test,
        stream=study.stream("test"),
    )  # fmt: skip


def auc_of(study: Study, net: Job, images: Job, n: int, kind: str, strength: int) -> Job:
    return Job(
        robustness.perturbed, network=net, images=images, n=n, kind=kind, strength=strength,
        stream=study.stream(f"{kind} {strength}"),
    )  # fmt: skip


def flat(images: Job, n: int) -> Job:
    return Job(robustness.clahe, data=images, n=n)


def pairs(study: Study, arm: Arm, k: int) -> dict[str, tuple[Job, Job]]:
    """For every regime: the AUC without and with the perturbation, on the same images."""
    net, s = network(study, arm, k), study.size
    clean = {n: auc_of(study, net, study.test, n, "none", 0) for n in (s.test, s.attacked)}
    found = {}
    for level in STRENGTHS:
        noisy = auc_of(study, net, study.test, s.test, "gaussian", level)
        attacked = auc_of(study, net, study.test, s.attacked, "pgd", level)
        moved = auc_of(study, net, drifted(study, level), s.test, "none", 0)
        found[f"gaussian{level}"] = clean[s.test], noisy
        found[f"drift{level}"] = clean[s.test], moved
        found[f"pgd{level}"] = clean[s.attacked], attacked
    return found | (flat_pairs(study, arm, k) if arm.name in FLAT else {})


def flat_pairs(study: Study, arm: Arm, k: int) -> dict[str, tuple[Job, Job]]:
    """The same drift with CLAHE on top of the preprocessing, in training and test alike."""
    n, m = study.size.labelled, study.size.mapped
    pool = study.pool(arm, k)
    net = _network(study, arm, flat(study.train(k), n), pool and flat(pool, n), k, n)
    clean = auc_of(study, net, flat(study.test, m), m, "none", 0)
    return {
        f"clahe drift{s}": (clean, auc_of(study, net, flat(drifted(study, s), m), m, "none", 0))
        for s in STRENGTHS
    }


def at_threshold(study: Study, arm: Arm, k: int) -> dict[int, dict[str, float]]:
    """Sensitivity and specificity by drift, at the threshold of today's scanner.

    The threshold is taken on the first half of up to 2,000 test subjects, the rest on the other.
    """
    net = classify.load(jobs.load(network(study, arm, k)))
    test, m = jobs.load(study.test).arrays, min(study.size.test, 2000) // 8 * 4
    seen = {0: study.test} | {sds: drifted(study, sds) for sds in STRENGTHS}
    images = {sds: jobs.load(job).arrays["image"][: 2 * m] for sds, job in seen.items()}
    now = 1 - classify.predict(net, images[0][:m])[:, 0].astype(float)
    negatives, sick = now[test["label"][:m] == 0], (test["label"][m : 2 * m] > 0).astype(int)
    later = {sds: 1 - classify.predict(net, x[m:])[:, 0].astype(float) for sds, x in images.items()}
    return {sds: sensitivity_at_specificity(negatives, p, sick) for sds, p in later.items()}


class Robustness(Table):
    """`auc` under each perturbation (null: without it) and `auc_drop` (null: 0).

    The oracle is the arm of fresh phantoms under the same perturbation.
    """

    item = "pavae/04_robustness"

    def studies(self, plan: Plan) -> list[Study]:
        return [phantom_study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in (study.arms[name] for name in ARMS):
            by_draw = {k: pairs(study, arm, k) for k in study.draws()}
            for regime in next(iter(by_draw.values()), {}):
                clean, hit = ({k: p[regime][i] for k, p in by_draw.items()} for i in (0, 1))
                yield Scores(arm, {"auc_clean": "auc"}, clean, regime)
                yield Scores(arm, ("auc",), hit, regime)
                yield Scores(arm, {"auc_drop": "auc"}, clean, regime, minus=hit)

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        if metric == "auc_drop":
            return 0.0
        return None if metric == "auc_clean" else {"arm": arm.name, "metric": "auc_clean"}

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """Sensitivity and specificity where the threshold is kept and the scanner drifts."""
        scores = {"spec95": "specificity", "sens95": "sensitivity"}
        for arm in (study.arms[name] for name in HELD):
            found = {k: at_threshold(study, arm, k) for k in study.draws()}
            codes = {k: network(study, arm, k).key for k in found}
            for sds in (0, *STRENGTHS):
                for metric, name in scores.items():
                    draws = {k: points[sds][name] for k, points in found.items()}
                    null = {"null": 0.95 if metric == "spec95" else None}
                    yield row(study, f"drift{sds}", arm.name, metric, draws, codes, **null)
