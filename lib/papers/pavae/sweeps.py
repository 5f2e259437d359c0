"""What PA-VAE's gain depends on: labelled share, synthetic to real, class mix (Section 4)."""

from collections.abc import Iterable
from dataclasses import replace

from lib.controls import copies
from lib.datasets import variants
from lib.generators import vae
from lib.jobs import Job
from lib.papers.arms import Arm, named
from lib.papers.pavae import printed, training
from lib.papers.pavae.arms import ATTRIBUTES, MAIN, UTILITY
from lib.papers.pavae.sizes import SIZES
from lib.papers.pavae.study import Study, phantom_study
from lib.papers.table import Scores, Table
from lib.profiles import Plan
from lib.scores import confusion
from lib.tasks import classify

RATIOS = (0.25, 0.5, 1, 2, 4, 8)  # synthetic : labelled real; the paper caps it at 1
RARE = (16, 3, 1)  # 80 % healthy, 15 % left, 5 % right opacity
EVEN = (1, 1, 1)  # what a balancing prior pi(y) makes of it
RARE_REGIME = "bare-imbalanced"
CORE_FRACTIONS = (10, 100)  # per cent of the training images with labels, of PV-24
RECALLS = {"recall_minority": "recall_2", "auc_minority": "auc_2", "recall_left": "recall_1"}
CONTROLS = ("oversample", "smooth", "shuffled")  # arms that stand at the paper's 10 % only
MIXED = named(
    replace(MAIN["real"], oracle=""),
    Arm("resampled", "Real, classes resampled evenly", "baseline"),
    Arm(
        "pavae_empirical", "PA-VAE, empirical mix", oracle="oracle_empirical",
        variant_of="pavae_balanced",
    ),
    Arm(
        "pavae_balanced", "PA-VAE, balanced mix", oracle="oracle_balanced",
        variant_of="pavae_balanced",
    ),
    Arm("oracle_empirical", "Oracle, empirical mix", "oracle"),
    Arm("oracle_balanced", "Oracle, balanced mix", "oracle"),
)


# ---- labelled share -----------------------------------------------------------------------------


def at_fraction(study: Study, per_cent: int) -> Study:
    """The same study with another share of the training images labelled."""
    labelled = study.size.train * per_cent // 100
    size = replace(study.size, labelled=labelled, pool=max(study.size.pool, labelled))
    return replace(study, size=size)


def tier(per_cent: int) -> str:
    """The two shares of PV-24 are core; `long` has the others."""
    return "core" if per_cent in CORE_FRACTIONS else "long"


def fraction_scores(base: Study, per_cent: int) -> Iterable[Scores]:
    """Utility of every arm, and whether PA-VAE's samples show what was asked for, and all of it."""
    study, regime = at_fraction(base, per_cent), f"bare-{per_cent}"
    same = study.size.labelled == base.size.labelled  # then the generator is that of Table 4
    trained = base.regime if same else regime
    names = ("real", *(CONTROLS if per_cent == 10 else ()), "pavae", "oracle")
    for arm in (study.arms[name] for name in names):
        each = study.each(tier(per_cent), lambda k, a=arm: study.utility(a, k))
        yield Scores(arm, UTILITY, each, regime, trained=trained)
    pavae, oracle = study.arms["pavae"], study.arms["oracle"]  # judged at the pools' usual size
    seen = study.each(tier(per_cent), lambda k: base.judged(study.pool(pavae, k)))
    yield Scores(pavae, ("adherence_ratio",), seen, regime, trained=trained)
    for arm in (pavae, oracle):
        read = study.each(tier(per_cent), lambda k, a=arm: base.lesions(study.pool(a, k)))
        yield Scores(arm, ATTRIBUTES, read, regime, trained=trained)


# ---- synthetic : real ---------------------------------------------------------------------------


def ratio_arm(name: str, ratio: float) -> Arm:
    """PA-VAE or the oracle at a ratio of synthetic to labelled real images."""
    plain = MAIN[name]
    label = f"{plain.label}, {ratio:g} : 1"
    return replace(plain, name=f"{name}_r{ratio:g}", label=label, oracle=f"oracle_r{ratio:g}")


def ratio_scores(study: Study) -> Iterable[Scores]:
    """PA-VAE and fresh phantoms at every ratio, with equal gradient steps."""
    n = study.size.labelled
    most = int(max(RATIOS) * n)
    samples = study.each("core", lambda k: sampled(study, most, k))
    fresh = study.each("core", lambda k: study.draw("oracle", most, k))
    for name, pools in {"pavae": samples, "oracle": fresh}.items():
        for ratio in RATIOS:
            made = {k: study.used(p, k, extra=int(ratio * n)) for k, p in pools.items()}
            yield Scores(ratio_arm(name, ratio), UTILITY, made)
    seen = {k: study.judged(pool) for k, pool in samples.items()}
    yield Scores(ratio_arm("pavae", 1), ("adherence_ratio",), seen)
    real = study.arms["real"]
    yield Scores(real, UTILITY, study.each("core", lambda k: study.utility(real, k)))


def sampled(study: Study, n: int, k: int) -> Job:
    return Job(vae.pool, fitted=study.vae(k), n=n, stream=study.stream("pool pavae", k))


# ---- class mix ----------------------------------------------------------------------------------


def mixed_scores(study: Study) -> Iterable[Scores]:
    """A benchmark of 80 % healthy, 15 % left and 5 % right opacity; the test set keeps Table 1's.

    Guide, generator and arms see the rare classes as rarely as the labelled images do. Whether the
    generator is competent is read in its even mix.
    """
    n = study.size.labelled // sum(RARE) * sum(RARE)
    for arm in MIXED.values():
        trained = study.each("beside", lambda k, a=arm: mixed_arm(study, a.name, n, k))
        utility = {k: study.scored_arm(job, k) for k, job in trained.items()}
        yield Scores(arm, UTILITY, utility, RARE_REGIME, trained=RARE_REGIME)
        recalls = {
            k: Job(confusion.per_class, arm=job, test=study.test) for k, job in trained.items()
        }
        yield Scores(arm, RECALLS, recalls, RARE_REGIME, trained=RARE_REGIME)
    pools = study.each("beside", lambda k: mixed_pools(study, n, k))
    seen = {k: study.judged(made["pavae_balanced"]) for k, made in pools.items()}
    yield Scores(
        MIXED["pavae_balanced"], ("adherence_ratio",), seen, RARE_REGIME, trained=RARE_REGIME
    )
    for name in ("pavae_balanced", "oracle_balanced"):
        read = {k: study.lesions(made[name]) for k, made in pools.items()}
        yield Scores(MIXED[name], ATTRIBUTES, read, RARE_REGIME, trained=RARE_REGIME)


def mixed_arm(study: Study, name: str, n: int, k: int) -> Job:
    """The downstream network of an arm of the rare benchmark."""
    pool = mixed_pools(study, n, k)[name]
    return Job(
        classify.arm, real=rare_set(study, "rare", n, k), n=n, pool=pool,
        extra=n // 3 * 3 if pool else 0, validation=study.validation(k), test=study.test,
        settings=study.downstream(), stream=study.stream("rare arm", k),
    )  # fmt: skip


def rare_set(study: Study, purpose: str, n: int, k: int) -> Job:
    """n fresh subjects in the rare mix."""
    stream = study.stream(purpose, k)
    return Job(variants.mixed_set, law=study.regime, mix=RARE, n=n, stream=stream)


def mixed_pools(study: Study, n: int, k: int) -> dict[str, Job | None]:
    """The pools of every arm of the rare benchmark, by arm."""
    data, even, stream = rare_set(study, "rare", n, k), n // 3 * 3, study.stream("rare pool", k)
    guide = study.classifier(data, n, study.size.guide_steps, "rare guide", k)
    fitted = Job(
        vae.fit_job, data=data, n=n, guide=guide, validation=study.validation(k),
        settings=study.vae_settings(), stream=study.stream("rare vae", k),
    )  # fmt: skip
    fresh = {"law": study.regime, "stream": study.stream("rare oracle", k)}
    made = {"fitted": fitted, "drawn": False, "stream": stream}
    return {
        "real": None,
        "resampled": Job(copies.resampled, data=data, labelled=n, mix=EVEN, n=even, stream=stream),
        "pavae_empirical": Job(vae.pool, **made, mix=RARE, n=n),
        "pavae_balanced": Job(vae.pool, **made, mix=EVEN, n=even),
        "oracle_empirical": Job(variants.mixed_set, **fresh, mix=RARE, n=n),
        "oracle_balanced": Job(variants.mixed_set, **fresh, mix=EVEN, n=even),
    }


def curve_arm(n: int) -> Arm:
    """Real images alone, n of them."""
    label = f"{n:,} real images"
    return Arm(f"real_{n}", label, "baseline", "beside", amount=n, oracle="", note="curve")


class Data(Table):
    """The calibration of the law and the sweeps of Section 4."""

    item = "pavae/04_data"

    def studies(self, plan: Plan) -> list[Study]:
        return [phantom_study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        for n in study.size.curve:
            arm = curve_arm(n)
            yield Scores(arm, ("auc",), study.each(arm, lambda k, n=n: training.curve(study, n, k)))
        for per_cent in study.size.fractions:
            yield from fraction_scores(study, per_cent)
        yield from ratio_scores(study)
        yield from mixed_scores(study)

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        return 0.5 if arm.note == "curve" else super().null(arm, metric)

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        """The paper's real-only AUC stands beside the curve's point of as many images."""
        at = arm.note == "curve" and arm.amount == SIZES["full"].labelled
        return printed.table4("real", metric) if at else None
