"""The robustness analysis that the paper announces and does not show (PV-17, PV-E04)."""

from lib import jobs
from lib.datasets import variants
from lib.jobs import Job
from lib.papers.pavae.study import NAMES, Study
from lib.papers.rows import row
from lib.profiles import Profile
from lib.scores import robustness
from lib.tasks import classify

ARMS = ("real", "classic", "smooth", "pavae", "oracle")
FLAT = ("real", "pavae", "oracle")  # arms that are also trained and tested after CLAHE
STRENGTHS = (1, 2, 3)
MODERATE = (0.02, 0.10)  # a "moderate" drop of AUC, fixed before any result
LABELS = {arm: NAMES[arm] for arm in ARMS}


def network(study: Study, arm: str, k: int) -> Job:
    """The downstream network of an arm; the same training as in the main comparison."""
    n = study.profile.labelled
    return Job(
        classify.fit_job, data=study.train(k), n=n, pool=study.pool(arm, k), extra=n,
        settings=study.downstream(arm == "classic"), stream=study.stream("arm", k),
    )  # fmt: skip


def drifted(study: Study, sds: int) -> Job:
    """The test subjects on a scanner that has drifted by so many standard deviations."""
    return Job(
        variants.drifted_set, law=study.regime, sds=float(sds), n=study.profile.test,
        stream=study.stream("test"),
    )  # fmt: skip


def auc_of(study: Study, net: Job, images: Job, n: int, kind: str, strength: int) -> Job:
    return Job(
        robustness.perturbed, network=net, images=images, n=n, kind=kind, strength=strength,
        stream=study.stream(f"{kind} {strength}"),
    )  # fmt: skip


def pairs(study: Study, arm: str, k: int) -> dict[str, tuple[Job, Job]]:
    """For every regime: the AUC without and with the perturbation, on the same images."""
    net, p = network(study, arm, k), study.profile
    clean = {n: auc_of(study, net, study.test, n, "none", 0) for n in (p.test, p.attacked)}
    found = {}
    for s in STRENGTHS:
        noisy = auc_of(study, net, study.test, p.test, "gaussian", s)
        attacked = auc_of(study, net, study.test, p.attacked, "pgd", s)
        moved = auc_of(study, net, drifted(study, s), p.test, "none", 0)
        found |= {f"gaussian{s}": (clean[p.test], noisy), f"drift{s}": (clean[p.test], moved)}
        found[f"pgd{s}"] = (clean[p.attacked], attacked)
    return found | (flat_pairs(study, arm, k) if arm in FLAT else {})


def flat_pairs(study: Study, arm: str, k: int) -> dict[str, tuple[Job, Job]]:
    """The same drift with CLAHE on top of the preprocessing, in training and test alike."""
    n, m = study.profile.labelled, study.profile.mapped
    pool = study.pool(arm, k)
    net = Job(
        classify.fit_job, data=flat(study.train(k), n), n=n, pool=pool and flat(pool, n), extra=n,
        settings=study.downstream(arm == "classic"), stream=study.stream("arm", k),
    )  # fmt: skip
    clean = auc_of(study, net, flat(study.test, m), m, "none", 0)
    return {
        f"clahe drift{s}": (clean, auc_of(study, net, flat(drifted(study, s), m), m, "none", 0))
        for s in STRENGTHS
    }


def flat(images: Job, n: int) -> Job:
    return Job(robustness.clahe, data=images, n=n)


def every(profile: Profile, seed: int) -> dict[tuple[str, str], list[tuple[Job, Job]]]:
    """{(regime, arm): (clean, perturbed) per replicate}."""
    study, found = Study(profile, seed, "bare"), {}
    for arm in ARMS:
        for k in range(profile.replicates):
            for regime, pair in pairs(study, arm, k).items():
                found.setdefault((regime, arm), []).append(pair)
    return found


def robustness_jobs(profile: Profile, seed: int) -> list[Job]:
    return [job for made in every(profile, seed).values() for pair in made for job in pair]


def robustness_rows(profile: Profile, seed: int) -> list[dict]:
    """Rows `auc` (null: without the perturbation) and `auc_drop` (null: 0), from finished jobs.

    The oracle is the arm of fresh phantoms under the same perturbation.
    """
    found = {
        key: [[jobs.load(job).scores["auc"] for job in pair] for pair in made]
        for key, made in every(profile, seed).items()
    }
    drops = {key: [clean - hit for clean, hit in each] for key, each in found.items()}
    out = []
    for regime, arm in found:
        clean, hit = zip(*found[regime, arm], strict=True)
        best = [hit for _, hit in found[regime, "oracle"]]
        least = drops[regime, "oracle"]
        out.append(row(regime, arm, "auc", list(hit), null=mean(clean), oracle=mean(best)))
        out.append(row(regime, arm, "auc_drop", drops[regime, arm], null=0.0, oracle=mean(least)))
    return out


def mean(values: list[float]) -> float:
    return sum(values) / len(values)
