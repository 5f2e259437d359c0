"""The robustness analysis that the paper announces and does not show (PV-17, PV-E04)."""

from collections.abc import Iterable

from lib.datasets import variants
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.pavae.study import Study, study
from lib.papers.table import Scores, Table
from lib.profiles import Plan
from lib.scores import robustness
from lib.tasks import classify

ARMS = ("real", "classic", "smooth", "pavae", "oracle")
FLAT = ("real", "pavae", "oracle")  # arms that are also trained and tested after CLAHE
STRENGTHS = (1, 2, 3)
MODERATE = (0.02, 0.10)  # a "moderate" drop of AUC, fixed before any result
KINDS = ("gaussian", "drift", "pgd")


def network(study: Study, arm: Arm, k: int) -> Job:
    """The downstream network of an arm; the same training as in the main comparison."""
    n = study.size.labelled
    return _network(study, arm, study.train(k), study.pool(arm, k), k, n)


def _network(study: Study, arm: Arm, real: Job, pool: Job | None, k: int, n: int) -> Job:
    return Job(
        classify.fit_job, data=real, n=n, pool=pool, extra=n,
        settings=study.downstream(arm.name == "classic"), stream=study.stream("arm", k),
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


class Robustness(Table):
    """`auc` under each perturbation (null: without it) and `auc_drop` (null: 0).

    The oracle is the arm of fresh phantoms under the same perturbation.
    """

    item = "pavae/04_robustness"

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

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
