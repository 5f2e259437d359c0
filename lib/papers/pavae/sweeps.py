"""What PA-VAE's gain depends on: labelled share, synthetic to real, class mix (Section 4)."""

from dataclasses import replace

from lib.controls import copies
from lib.datasets import variants
from lib.generators import vae
from lib.jobs import Job
from lib.papers.pavae.study import UTILITY, Study
from lib.papers.rows import Scored, collect, jobs_of, mean_of, row
from lib.profiles import Profile
from lib.scores import confusion
from lib.tasks import classify

RATIOS = (0.25, 0.5, 1, 2, 4, 8)  # synthetic : labelled real; the paper caps it at 1
RARE = (16, 3, 1)  # 80 % healthy, 15 % left, 5 % right opacity
EVEN = (1, 1, 1)  # what a balancing prior pi(y) makes of it
CORE_FRACTIONS = (10, 100)  # per cent of the training images with labels, of PV-24
MINORITY = {"recall_minority": "recall_2", "auc_minority": "auc_2", "recall_left": "recall_1"}
LABELS = {
    "real": "Real only",
    "oversample": "Oversampled real",
    "smooth": "Blurred copies",
    "shuffled": "PA-VAE, labels shuffled",
    "pavae": "PA-VAE",
    "oracle": "Oracle (fresh phantoms)",
    "resampled": "Real, classes resampled evenly",
    "pavae_empirical": "PA-VAE, empirical mix",
    "pavae_balanced": "PA-VAE, balanced mix",
    "oracle_empirical": "Oracle, empirical mix",
    "oracle_balanced": "Oracle, balanced mix",
}


# ---- labelled share -----------------------------------------------------------------------------


def at_fraction(profile: Profile, seed: int, per_cent: int) -> Study:
    """The main comparison in `bare` with another share of the training images labelled."""
    labelled = profile.train * per_cent // 100
    sized = replace(profile, labelled=labelled, pool=max(profile.pool, labelled))
    return Study(sized, seed, "bare")


def fraction_draws(profile: Profile, per_cent: int) -> range:
    return range(profile.replicates if per_cent in CORE_FRACTIONS else profile.secondary)


def fraction_arms(per_cent: int) -> tuple[str, ...]:
    controls = ("oversample", "smooth", "shuffled") if per_cent == 10 else ()
    return ("real", *controls, "pavae", "oracle")


def fraction_scored(profile: Profile, seed: int, per_cent: int) -> Scored:
    """Utility of every arm, and whether PA-VAE's samples show what was asked for."""
    study, each = at_fraction(profile, seed, per_cent), fraction_draws(profile, per_cent)
    found = {
        (arm, "utility"): [(study.utility(arm, k), UTILITY) for k in each]
        for arm in fraction_arms(per_cent)
    }
    base = Study(profile, seed, "bare")  # adherence at the pools' usual size
    judged = [(base.judged(study.pool("pavae", k)), ("adherence_ratio",)) for k in each]
    return found | {("pavae", "fidelity"): judged}


# ---- synthetic : real ---------------------------------------------------------------------------


def ratio_scored(study: Study) -> Scored:
    """PA-VAE and fresh phantoms at every ratio, with equal gradient steps."""
    n, found = study.profile.labelled, {}
    for k in range(study.replicates):
        most = int(max(RATIOS) * n)
        samples = Job(vae.pool, fitted=study.vae(k), n=most, stream=study.stream("pool pavae", k))
        fresh = study.draw("oracle", most, k)
        for name, pool in {"pavae": samples, "oracle": fresh}.items():
            for ratio in RATIOS:
                trained = study.trained_with(pool, k, extra=int(ratio * n))
                pair = (study.scored_arm(trained, k), UTILITY)
                found.setdefault((f"{name}_r{ratio:g}", "utility"), []).append(pair)
        judged = (study.judged(samples), ("adherence_ratio",))
        found.setdefault(("pavae_r1", "fidelity"), []).append(judged)
        found.setdefault(("real", "utility"), []).append((study.utility("real", k), UTILITY))
    return found


# ---- class mix ----------------------------------------------------------------------------------


def mixed_scored(study: Study) -> Scored:
    """A benchmark of 80 % healthy, 15 % left and 5 % right opacity; the test set keeps Table 1's.

    Guide, generator and arms see the rare classes as rarely as the labelled images do.
    """
    n = study.profile.labelled // sum(RARE) * sum(RARE)
    found: Scored = {}
    for k in range(study.profile.secondary):
        for arm, pool in mixed_pools(study, n, k).items():
            trained = Job(
                classify.arm, real=rare_set(study, "rare", n, k), n=n, pool=pool,
                extra=n // 3 * 3 if pool else 0, validation=study.validation, test=study.test,
                settings=study.downstream(), stream=study.stream("rare arm", k),
            )  # fmt: skip
            recalls = Job(confusion.per_class, arm=trained, test=study.test)
            pairs = [(study.scored_arm(trained, k), UTILITY), (recalls, tuple(MINORITY.values()))]
            for kind, pair in zip(("utility", "recall"), pairs, strict=True):
                found.setdefault((arm, kind), []).append(pair)
    return found


def rare_set(study: Study, purpose: str, n: int, k: int) -> Job:
    """n fresh subjects in the rare mix."""
    stream = study.stream(purpose, k)
    return Job(variants.mixed_set, law=study.regime, mix=RARE, n=n, stream=stream)


def mixed_pools(study: Study, n: int, k: int) -> dict[str, Job | None]:
    """The pools of every arm of the rare benchmark, by arm."""
    data, even, stream = rare_set(study, "rare", n, k), n // 3 * 3, study.stream("rare pool", k)
    guide = study.classifier(data, n, study.profile.guide_steps, "rare guide", k)
    fitted = Job(
        vae.fit_job, data=data, n=n, guide=guide, validation=study.validation,
        settings=study.vae_settings(), stream=study.stream("rare vae", k),
    )  # fmt: skip
    fresh = study.stream("rare oracle", k)
    return {
        "real": None,
        "resampled": Job(copies.resampled, data=data, labelled=n, mix=EVEN, n=even, stream=stream),
        "pavae_empirical": Job(
            vae.pool, fitted=fitted, mix=RARE, n=n, drawn=False, stream=stream
        ),
        "pavae_balanced": Job(
            vae.pool, fitted=fitted, mix=EVEN, n=even, drawn=False, stream=stream
        ),
        "oracle_empirical": Job(variants.mixed_set, law=study.regime, mix=RARE, n=n, stream=fresh),
        "oracle_balanced": Job(
            variants.mixed_set, law=study.regime, mix=EVEN, n=even, stream=fresh
        ),
    }


# ---- all together -------------------------------------------------------------------------------


def parts(profile: Profile, seed: int) -> dict[str, Scored]:
    """The scored jobs of every sweep, by the regime that its rows carry."""
    bare = Study(profile, seed, "bare")
    shares = {f"bare-{f}": fraction_scored(profile, seed, f) for f in profile.fractions}
    return shares | {"bare": ratio_scored(bare), "bare-imbalanced": mixed_scored(bare)}


def sweep_jobs(profile: Profile, seed: int) -> list[Job]:
    return [job for scored in parts(profile, seed).values() for job in jobs_of(scored)]


def sweep_rows(profile: Profile, seed: int) -> list[dict]:
    """Rows of all sweeps from finished jobs; null is real-only, oracle the matching oracle arm."""
    return [
        row(
            regime, arm, MINORITY_OF.get(metric, metric), found,
            null=mean_of(values, "real", metric, len(found)),
            oracle=mean_of(values, oracle_of(arm), metric, len(found)),
        )
        for regime, scored in parts(profile, seed).items()
        for values in [collect(scored)]
        for (arm, metric), found in values.items()
    ]  # fmt: skip


MINORITY_OF = {job_name: metric for metric, job_name in MINORITY.items()}


def oracle_of(arm: str) -> str:
    """The oracle arm that a method's arm is held against: the same ratio or mix, else `oracle`."""
    return "oracle" + arm.removeprefix("pavae") if arm.startswith("pavae_") else "oracle"
