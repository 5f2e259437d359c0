"""Table 5 and Figure 4: PA-VAE with one thing changed, and what no ablation of the paper asks."""

from itertools import combinations

from lib import jobs
from lib.generators import vae
from lib.jobs import Job
from lib.papers.pavae.study import FIDELITY, NAMES, UTILITY, Study, studies
from lib.papers.pavae.tables import rows_of
from lib.papers.rows import Scored, collect, jobs_of
from lib.profiles import Profile
from lib.scores import measures

TABLE5 = {  # the paper's Table 5: change of AUC, change of FID-like
    "no_path": (-0.028, 1.7),
    "no_prior": (-0.017, 0.9),
    "beta_3.2": (-0.009, 0.5),
    "no_mask": (-0.006, 0.3),
}
OFF = {  # how a component is switched off
    "path": {"lambda_path": 0.0},
    "prior": {"class_prior": False},
    "mask": {"lambda_mask": 0.0},
}
BETAS = (2.0, 3.2, 4.8, 8.0)  # beside 4, the paper's
MIX = {"no_sampling_prior": ((2, 1, 1), True), "pi_uniform": ((1, 1, 1), False)}
LABELS = {
    **{name: NAMES[name] for name in ("real", "vae", "pavae", "oracle")},
    "no_path": "w/o path loss",
    "no_prior": "w/o class prior p(z|y)",
    "no_sampling_prior": "w/o sampling prior π(y)",
    "no_mask": "w/o mask loss",
    "no_cls": "w/o class loss",
    "pi_uniform": "π(y) uniform",
    **{f"beta_{beta:g}": f"β = {beta:g}" for beta in BETAS},
    "no_path_prior": "w/o path, prior",
    "no_path_mask": "w/o path, mask",
    "no_prior_mask": "w/o prior, mask",
    "no_path_prior_mask": "w/o path, prior, mask",
    "per_pixel": "guide's terms per pixel",
    "as_printed": "guide's terms not scaled",
    "gaussian": "Gaussian likelihood",
    "leaky": "extractor of all labels",
    "plain_guide": "extractor w/o augmentation",
    "unstopped": "last epoch kept",
    "vae_unstopped": "Standard VAE, last epoch kept",
}
CORE = ("pavae", "no_path", "no_prior", "no_sampling_prior", "beta_3.2", "no_mask", "vae")
CORE += ("pi_uniform",)  # needs no generator of its own
BESIDE = ("no_cls", "per_pixel")  # absent from the paper (PV-E15); another reading of equation 1
FACTORIAL = tuple(  # the 2^3 of path, prior and mask (PV-E06); its other corners are CORE's
    "_".join(("no", *names)) for k in (2, 3) for names in combinations(OFF, k)
)
LONG = ("beta_2", "beta_4.8", "beta_8", *FACTORIAL)
LONG += ("as_printed", "gaussian")  # equation 1 read otherwise; PV-E18
LONG += ("leaky", "plain_guide", "unstopped", "vae_unstopped")
READINGS = {
    "no_cls": {"lambda_cls": 0.0},
    "per_pixel": {"guide_scale": 4096.0},
    "as_printed": {"guide_scale": 1.0},
    "gaussian": {"likelihood": "gaussian"},
}
MEASURES = ("error", "path", "kl", "mask", "cls", "mask_side", "guide_adherence", "separation")
ATTRIBUTES = ("coverage_place", "coverage_look")


def changes(arm: str) -> dict:
    """The settings that an arm changes; KeyError if there is no such ablation."""
    if arm.startswith("beta_"):
        return {"beta": float(arm.removeprefix("beta_"))}
    if arm in READINGS:
        return READINGS[arm]
    return {key: value for part in arm.split("_")[1:] for key, value in OFF[part].items()}


def arms(profile: Profile, regime: str) -> tuple[str, ...]:
    """The arms of Table 5: all in `bare`, the paper's alone with augmentation."""
    if regime != "bare":
        return CORE if profile.complete else ()
    return CORE + BESIDE + (LONG if profile.complete else ())


def draws(study: Study, arm: str) -> range:
    return range(study.replicates if arm in CORE else study.profile.secondary)


def fit(study: Study, arm: str, k: int) -> Job:
    """The auto-encoder of an arm in replicate k; all of a replicate share data and seeds."""
    if arm in ("pavae", *MIX):
        return study.vae(k)
    if arm == "vae":
        return study.vae(k, vae.STANDARD)
    if arm == "leaky":
        everything = study.classifier(
            study.train(k), study.profile.train, study.profile.guide_steps, "guide", k
        )
        return study.vae(k, guide=everything)
    if arm == "plain_guide":
        return study.vae(k, guide=study.plain_guide(k))
    if arm in ("unstopped", "vae_unstopped"):
        return without_stopping(study, vae.STANDARD if arm == "vae_unstopped" else vae.PA_VAE, k)
    return study.vae(k, **changes(arm))


def without_stopping(study: Study, settings: vae.VaeSettings, k: int) -> Job:
    return Job(
        vae.fit_job, data=study.train(k), n=study.profile.labelled, guide=study.guide(k),
        validation=None, settings=study.vae_settings(settings), stream=study.stream("vae", k),
    )  # fmt: skip


def pool(study: Study, arm: str, k: int) -> Job:
    """Samples of an arm, from the same latent noise in every arm of a replicate."""
    if arm in ("pavae", "vae"):
        return study.pool(arm, k)
    n, stream = study.profile.pool, study.stream("pool pavae", k)
    if arm in MIX:
        mix, drawn = MIX[arm]
        if not drawn:
            n = n // sum(mix) * sum(mix)
        return Job(vae.pool, fitted=fit(study, arm, k), mix=mix, n=n, drawn=drawn, stream=stream)
    return Job(vae.pool, fitted=fit(study, arm, k), n=n, stream=stream)


def measured(study: Study, arm: str, k: int) -> Job:
    """What the loss terms are meant to change, on validation images and on samples."""
    return Job(
        measures.measure, fitted=fit(study, arm, k), guide=study.guide(k),
        images=study.validation, n=min(1000, study.profile.validation),
        stream=study.stream("measure", k),
    )  # fmt: skip


def scored(study: Study) -> Scored:
    """All jobs of Table 5 in one regime, with the arms that its rows are held against."""
    p, found = study.profile, {}
    for arm in arms(p, study.regime):
        each = [(k, pool(study, arm, k)) for k in draws(study, arm)]
        found[arm, "utility"] = [
            (study.scored_arm(study.trained_with(samples, k), k), UTILITY) for k, samples in each
        ]
        found[arm, "fidelity"] = [(study.judged(samples), FIDELITY) for _, samples in each]
        found[arm, "lesions"] = [(study.lesions(samples), ATTRIBUTES) for _, samples in each]
        if arm not in MIX:
            found[arm, "measures"] = [(measured(study, arm, k), MEASURES) for k, _ in each]
    if found:
        for arm in ("real", "oracle"):
            found[arm, "utility"] = [
                (study.utility(arm, k), UTILITY) for k in range(study.replicates)
            ]
        for k in range(study.replicates):
            for arm in ("oracle", "shuffled"):
                found.setdefault((arm, "fidelity"), []).append((study.fidelity(arm, k), FIDELITY))
            lesions = study.lesions(study.pool("oracle", k))
            found.setdefault(("oracle", "lesions"), []).append((lesions, ATTRIBUTES))
    return found


def table5_jobs(profile: Profile, seed: int) -> list[Job]:
    """Everything that Table 5 needs, in both regimes."""
    return [
        job
        for study in studies(profile, seed)
        if arms(profile, study.regime)
        for job in (study.null, *jobs_of(scored(study)))
    ]


def table5_rows(profile: Profile, seed: int) -> list[dict]:
    """All rows, from finished jobs. The column `paper` is Table 5's change, in `paper_change`."""
    return [
        with_change(row)
        for study in studies(profile, seed)
        if arms(profile, study.regime)
        for row in rows_of(study.regime, collect(scored(study)), jobs.load(study.null).scores)
        if row["arm"] != "shuffled"
    ]


def with_change(row: dict) -> dict:
    """The row with the change that Table 5 prints beside it; `paper` is for absolute values."""
    printed = dict(zip(("auc", "fd"), TABLE5.get(row["arm"], ()), strict=False))
    return row | {"paper_change": printed.get(row["metric"])}
