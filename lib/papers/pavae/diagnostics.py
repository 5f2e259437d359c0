"""Figures 5 and 6, and why PA-VAE stays below its oracle: one defect at a time."""

from lib import jobs
from lib.controls import copies, defects
from lib.datasets import variants
from lib.jobs import Job
from lib.papers.pavae.study import FIDELITY, NAMES, UTILITY, Study
from lib.papers.pavae.tables import rows_of
from lib.papers.rows import Scored, collect, jobs_of, mean_of, row
from lib.profiles import Profile
from lib.scores import confusion, heatmaps
from lib.tasks import attributes

CONFUSED = ("real", "classic", "pavae", "oracle")  # arms of Figure 5
SPECIFICITY = 0.95
SHOWN = 8  # heat maps kept as pictures
MAPS = ("heatmap", "heatmap_healthy", "mirrored", "place", "counterfactual", "chance")
READ = ("template", "vae", "stylegan", "pavae", "memoriser", "smooth", "oracle")
WRONG = 0.15  # share of wrong labels of `oracle_mislabelled`: adherence just below the rule
GAPS = {  # fresh phantoms with one defect of generated images, and PA-VAE with one mended
    "oracle_noiseless": "Oracle without sensor noise",
    "oracle_blurred": "Oracle, blurred",
    "oracle_soft": "Oracle, as blurred as PA-VAE",
    "oracle_one_place": "Oracle, all opacities at one place",
    "oracle_plain": "Oracle, all opacities large and plain",
    "oracle_mislabelled": f"Oracle, {WRONG:.0%} wrong labels",
    "pavae_noise": "PA-VAE with noise added",
    "vae_noise": "Standard VAE with noise added",
}
LABELS = {**NAMES, **GAPS}
ADHERENCE = tuple(name for name in FIDELITY if name.startswith("adherence"))


def confused(study: Study, arm: str, k: int) -> Job:
    """Figure 5: the confusion matrix of an arm at 95 % specificity."""
    return Job(
        confusion.at_specificity, arm=study.predictions(arm, k), validation=study.validation,
        test=study.test, target=SPECIFICITY,
    )  # fmt: skip


def mapped(study: Study, k: int) -> Job:
    """Figure 6: heat maps from the templates of replicate k, scored on the test images."""
    m = study.profile.mapped
    truth = Job(variants.counterfactual_set, law=study.regime, data=study.test, n=m)
    return Job(
        heatmaps.score, train=study.train(k), n=study.profile.labelled, test=study.test,
        counterfactual=truth, m=m, shown=SHOWN,
    )  # fmt: skip


def gap_pool(study: Study, arm: str, k: int) -> Job:
    """The pool of an arm of GAPS; the oracle's are the same subjects with one defect."""
    p, fresh = study.profile, study.stream("oracle", k)
    if arm in ("oracle_noiseless", "oracle_one_place", "oracle_plain"):
        defect = arm.removeprefix("oracle_").replace("_", " ")
        return Job(variants.degraded_set, law=study.regime, defect=defect, n=p.pool, stream=fresh)
    if arm == "oracle_blurred":
        return Job(defects.blurred, pool=study.fresh(k), sigma=copies.BLUR)
    if arm == "oracle_soft":
        made = study.pool("pavae", k)
        return Job(defects.blurred_like, pool=study.fresh(k), like=made, n=p.labelled)
    stream = study.stream(arm, k)
    if arm == "oracle_mislabelled":
        return Job(defects.mislabelled, pool=study.fresh(k), rate=WRONG, stream=stream)
    made = study.pool(arm.removesuffix("_noise"), k)
    return Job(defects.renoised, pool=made, real=study.train(k), n=p.labelled, stream=stream)


def scored(study: Study) -> Scored:
    """The main arms beside those with one defect: utility, fidelity, memorisation."""
    each, found = range(study.replicates), {}
    for arm in ("real", *READ):
        found[arm, "utility"] = [(study.utility(arm, k), UTILITY) for k in each]
    for arm in (*READ, "shuffled"):
        kept = FIDELITY if arm in ("pavae", "oracle", "shuffled") else ADHERENCE
        found[arm, "fidelity"] = [(study.fidelity(arm, k), kept) for k in each]
    for arm in READ:
        found[arm, "memory"] = [(study.memory(arm, k), ("nn_share",)) for k in each]
    for arm in GAPS:
        pools = [gap_pool(study, arm, k) for k in each]
        found[arm, "utility"] = [
            (study.scored_arm(study.trained_with(pool, k), k), UTILITY)
            for k, pool in zip(each, pools, strict=True)
        ]
        found[arm, "fidelity"] = [(study.judged(pool), FIDELITY) for pool in pools]
    return found


def lesions(study: Study) -> dict[str, list[Job]]:
    """What the attribute reader finds in every pool, by arm, one job per replicate."""
    each = range(study.replicates)
    return {arm: [study.lesions(study.pool(arm, k)) for k in each] for arm in READ}


def noise(study: Study) -> list[Job]:
    """The noise added to PA-VAE's pools; its scores hold the levels before and after."""
    return [gap_pool(study, "pavae_noise", k) for k in range(study.replicates)]


def diagnostic_jobs(profile: Profile, seed: int) -> list[Job]:
    study, each = Study(profile, seed, "bare"), range(profile.replicates)
    found = [study.null, *jobs_of(scored(study))]
    found += [confused(study, arm, k) for arm in CONFUSED for k in each]
    found += [mapped(study, k) for k in each]
    return found + [job for made in lesions(study).values() for job in made]


def diagnostic_rows(profile: Profile, seed: int) -> list[dict]:
    """All rows, from finished jobs."""
    study = Study(profile, seed, "bare")
    values = collect(scored(study))
    found = rows_of("bare", values, jobs.load(study.null).scores)
    found = [each for each in found if each["arm"] != "shuffled"]
    return [*found, *map_rows(study), *lesion_rows(study), *confusion_rows(study)]


def map_rows(study: Study) -> list[dict]:
    """Pixel AUROC and pointing game of every kind of map; the oracle is the true difference."""
    found = [jobs.load(mapped(study, k)).scores for k in range(study.replicates)]

    def values(arm: str, metric: str) -> list[float]:
        return [each[arm][metric] for each in found]

    return [
        row(
            "bare", arm, metric, values(arm, metric),
            null=values("chance", metric)[0],
            oracle=sum(values("counterfactual", metric)) / len(found),
        )
        for arm in MAPS[:-1]
        for metric in ("pixel_auroc", "pointing")
    ]  # fmt: skip


def lesion_rows(study: Study) -> list[dict]:
    """Spread, shift and coverage of every pool's lesions; the oracle is fresh phantoms."""
    found = {arm: [jobs.load(job).scores for job in made] for arm, made in lesions(study).items()}
    flat = {
        (arm, metric): [value(scores, metric) for scores in each]
        for arm, each in found.items()
        for metric in lesion_metrics()
    }
    return [
        row("bare", arm, metric, each, oracle=mean_of(flat, "oracle", metric))
        for (arm, metric), each in flat.items()
    ]


def lesion_metrics() -> list[str]:
    """Names of the rows of a pool's lesions: `spread radius`, `coverage_place` ..."""
    named = [f"{kind} {name}" for kind in ("spread", "shift") for name in attributes.NAMES]
    return [*named, "coverage_place", "coverage_look"]


def value(scores: dict, metric: str) -> float:
    kind, _, name = metric.partition(" ")
    return scores[kind][name] if name else scores[kind]


def confusion_rows(study: Study) -> list[dict]:
    """Sensitivity and specificity on test at the threshold from validation, and recall by side."""
    each, found = range(study.replicates), []
    for arm in CONFUSED:
        made = [jobs.load(confused(study, arm, k)) for k in each]
        rates = [
            result.arrays["matrix"] / result.arrays["matrix"].sum(1)[:, None] for result in made
        ]
        columns = {
            "named healthy": [float(rate[0, 0]) for rate in rates],
            "named left": [float(rate[1, 1]) for rate in rates],
            "named right": [float(rate[2, 2]) for rate in rates],
        }
        found += [row("bare", arm, metric, values) for metric, values in columns.items()]
    return found
