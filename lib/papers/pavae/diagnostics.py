"""Figures 5 and 6, what samples are like, and why PA-VAE stays below its oracle: two notebooks.

The rows of both stand in `pavae/04_diagnostics`.
"""

from collections.abc import Iterable

from lib import jobs
from lib.controls import copies, defects
from lib.datasets import variants
from lib.jobs import Job
from lib.metrics import sharpness
from lib.papers.arms import Arm, named
from lib.papers.pavae.arms import ATTRIBUTES, FIDELITY, UTILITY
from lib.papers.pavae.rules import Judged
from lib.papers.pavae.study import Study, phantom_study
from lib.papers.table import Draws, Scores, row
from lib.profiles import Plan
from lib.scores import confusion, heatmaps
from lib.tasks import attributes

CONFUSED = ("real", "classic", "pavae", "oracle")  # arms of Figure 5
SPECIFICITY = 0.95
SHOWN = 8  # heat maps kept as pictures
READ = ("template", "vae", "stylegan", "pavae", "memoriser", "smooth", "oracle")
WRONG = 0.15  # share of wrong labels of `oracle_mislabelled`: adherence just below the rule


def _degraded(name: str, label: str, defect: str) -> Arm:
    """Fresh phantoms with a defect of `variants.DEFECTS`, which its note names."""
    return Arm(name, label, "control", source="fresh", note=defect)


GAPS = named(  # fresh phantoms with one defect of generated images, and PA-VAE with one mended
    _degraded("oracle_noiseless", "Oracle without sensor noise", "noiseless"),
    Arm("oracle_blurred", "Oracle, blurred", "control", source="fresh"),
    Arm("oracle_soft", "Oracle, as blurred as PA-VAE", "control", source="fresh"),
    _degraded("oracle_one_place", "Oracle, all opacities at one place", "one place"),
    _degraded("oracle_plain", "Oracle, all opacities large and plain", "plain"),
    Arm("oracle_mislabelled", f"Oracle, {WRONG:.0%} wrong labels", "control", source="fresh"),
    Arm("pavae_noise", "PA-VAE with noise added", source="pavae"),
    Arm("vae_noise", "Standard VAE with noise added", source="vae"),
)
LOOKED = ("real", *READ, *(name for name in GAPS if name != "oracle_mislabelled"))
VARIED = ("oracle_soft", "oracle_one_place", "oracle_plain")  # whose variety is read, beside READ
ADHERENCE = tuple(name for name in FIDELITY if name.startswith("adherence"))
MAPS = named(  # kinds of heat maps; the oracle is the true difference
    Arm("heatmap", "Heat map, against left and right templates", oracle="counterfactual"),
    Arm("heatmap_healthy", "Heat map, against the healthy template", oracle="counterfactual"),
    Arm("mirrored", "Mirrored side", "control", oracle="counterfactual"),
    Arm("place", "Mean mask of the labelled images", "control", oracle="counterfactual"),
    Arm("counterfactual", "True difference", "oracle", oracle="counterfactual"),
    Arm("chance", "Chance", "baseline", oracle="counterfactual"),
)
LESIONS = {f"{kind} {name}": f"{kind}/{name}" for kind in ("spread", "shift")
           for name in attributes.NAMES}  # fmt: skip
LESIONS |= {name: name for name in ATTRIBUTES}


def confused(study: Study, arm: Arm, k: int) -> Job:
    """Figure 5: the confusion matrix of an arm at 95 % specificity."""
    return Job(
        confusion.at_specificity, arm=study.predictions(arm, k), validation=study.validation(k),
        test=study.test, target=SPECIFICITY,
    )  # fmt: skip


def mapped(study: Study, k: int) -> Job:
    """Figure 6: heat maps from the templates of draw k, scored on the test images."""
    m = study.size.mapped
    truth = Job(variants.counterfactual_set, law=study.regime, data=study.test, n=m)
    return Job(
        heatmaps.score, train=study.train(k), n=study.size.labelled, test=study.test,
        counterfactual=truth, m=m, shown=SHOWN,
    )  # fmt: skip


def pool(study: Study, arm: Arm, k: int) -> Job | None:
    """The pool of any arm here; those of GAPS are the oracle's subjects with one defect, or a
    generator's samples with noise."""
    if arm.name not in GAPS:
        return study.pool(arm, k)
    n, fresh = study.size.pool, {"law": study.regime, "stream": study.stream("oracle", k)}
    if arm.note:
        return Job(variants.degraded_set, **fresh, defect=arm.note, n=n)
    if arm.name == "oracle_blurred":
        return Job(defects.blurred, pool=study.fresh(k), sigma=copies.BLUR)
    labelled, stream = study.size.labelled, study.stream(arm.name, k)
    if arm.name == "oracle_soft":
        made = study.pool(study.arms["pavae"], k)
        return Job(defects.blurred_like, pool=study.fresh(k), like=made, n=labelled)
    if arm.name == "oracle_mislabelled":
        return Job(defects.mislabelled, pool=study.fresh(k), rate=WRONG, stream=stream)
    made = study.pool(study.arms[arm.source], k)
    return Job(defects.renoised, pool=made, real=study.train(k), n=labelled, stream=stream)


def images(study: Study, arm: Arm, k: int) -> Job:
    """The pool of any arm here, or the training images."""
    return pool(study, arm, k) or study.train(k)


def looked(study: Study) -> list[Arm]:
    """The arms whose noise and detail are measured."""
    return [(study.arms | GAPS)[name] for name in LOOKED]


def used(study: Study, arms: Iterable[Arm]) -> Iterable[Scores]:
    """Utility of arms, and what the reader sees in what they add."""
    for arm in arms:
        pools = study.each("core", lambda k, a=arm: pool(study, a, k))
        yield Scores(arm, UTILITY, {k: study.used(made, k) for k, made in pools.items()})
        if arm.name != "real":
            whole = arm.name in ("pavae", "oracle", *GAPS)
            seen = {k: study.judged(made) for k, made in pools.items()}
            yield Scores(arm, FIDELITY if whole else ADHERENCE, seen)


def shuffled(study: Study) -> Scores:
    """The null of adherence: PA-VAE with its labels shuffled."""
    arm = study.arms["shuffled"]
    return Scores(arm, FIDELITY, study.each("core", lambda k: study.fidelity(arm, k)))


def lesions(study: Study, arms: Iterable[Arm]) -> Iterable[Scores]:
    """Place, size and contrast of the lesions in what arms add."""
    for arm in arms:
        made = study.each("core", lambda k, a=arm: study.lesions(pool(study, a, k)))
        yield Scores(arm, LESIONS, made)


class Diagnostics(Judged):
    """Utility, lesions and memory of some main arms; heat maps and confusion."""

    item = "pavae/04_diagnostics"

    def studies(self, plan: Plan) -> list[Study]:
        return [phantom_study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        read = [study.arms[name] for name in READ]
        yield from used(study, [study.arms["real"], *read])
        yield from lesions(study, read)
        for arm in read:
            near = study.each("core", lambda k, a=arm: study.memory(a, k))
            yield Scores(arm, ("nn_share",), near)
        yield shuffled(study)
        maps = study.each("core", lambda k: mapped(study, k))
        for arm in MAPS.values():
            yield Scores(arm, {m: f"{arm.name}/{m}" for m in ("pixel_auroc", "pointing")}, maps)

    def more(self, study: Study) -> list[Job]:
        arms = [study.arms[name] for name in CONFUSED]
        return [confused(study, arm, k) for arm in arms for k in study.draws()]

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        if metric in LESIONS:
            return None
        if arm.name in MAPS:
            return {"arm": "chance", "metric": metric}
        return super().null(arm, metric)

    def derived(self, study: Study, values: dict) -> list[dict]:
        """How often each class is named on test, at the threshold from validation."""
        found = []
        for arm in (study.arms[name] for name in CONFUSED):
            made = study.each("core", lambda k, a=arm: confused(study, a, k))
            codes = {k: job.key for k, job in made.items()}
            each = {k: rates(jobs.load(job)) for k, job in made.items()}
            for metric in next(iter(each.values()), {}):
                draws: Draws = {k: named[metric] for k, named in each.items()}
                found.append(row(study, study.regime, arm.name, metric, draws, codes))
        return found


class Gaps(Judged):
    """Arms with one defect, or one mended, beside the main arms; noise and detail of their images.

    Its rows stand among those of Diagnostics.
    """

    item = "pavae/04_gaps"

    def studies(self, plan: Plan) -> list[Study]:
        return [phantom_study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        read, pavae = [study.arms[name] for name in READ], study.arms["pavae"]
        yield from used(study, [study.arms["real"], *read, *GAPS.values()])
        yield shuffled(study)
        yield from lesions(study, [*read, *(GAPS[name] for name in VARIED)])
        soft = study.each("core", lambda k: pool(study, GAPS["oracle_soft"], k))
        yield Scores(GAPS["oracle_soft"], ("sigma",), soft)
        kept = study.each("core", lambda k: study.fitted(pavae, k))
        yield Scores(pavae, ("best_epoch",), kept)

    def more(self, study: Study) -> list[Job]:
        return [images(study, arm, k) for arm in looked(study) for k in study.draws()]

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        return None if metric in (*LESIONS, "sigma", "best_epoch") else super().null(arm, metric)

    def derived(self, study: Study, values: dict) -> list[dict]:
        """Noise and detail of as many images of each arm as a downstream network is given."""
        found, n = [], study.size.labelled
        for arm in looked(study):
            made = study.each("core", lambda k, a=arm: images(study, a, k))
            codes = {k: job.key for k, job in made.items()}
            shown = {k: jobs.load(job).arrays["image"][:n] for k, job in made.items()}
            for metric in ("noise_level", "detail"):
                draws: Draws = {k: getattr(sharpness, metric)(x) for k, x in shown.items()}
                more = {"oracle": {"arm": "oracle", "metric": metric}}
                found.append(row(study, study.regime, arm.name, metric, draws, codes, **more))
        return found


def rates(found: jobs.Result) -> dict[str, float]:
    """How often each class is named where it is the truth, from one confusion matrix."""
    rate = found.arrays["matrix"] / found.arrays["matrix"].sum(1)[:, None]
    sides = ("healthy", "left", "right")
    return {f"named {side}": float(rate[i, i]) for i, side in enumerate(sides)}
