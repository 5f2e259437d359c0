"""dHVAE (brain FLAIR and head-and-neck PET): the arms of every table, each part of them a job.

A replicate is a fresh draw of training volumes with its own seeds, shared by all arms; the test
volumes, the reader and the slices that samples are compared with are one fixed draw per modality.
A generator sees the lesion slices of the very volumes that the segmenter is trained on.
"""

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib.controls import copies
from lib.datasets import volumes
from lib.generators import hvae, latent, lsgan
from lib.jobs import Job
from lib.machine import precision
from lib.papers.rows import Scored
from lib.profiles import Profile
from lib.scores import pairs as pair_scores
from lib.tasks import segment

MODALITIES = volumes.MODALITIES
VOLUMES = (10, 20, 30, 40, 50)  # Table 5
MAIN = 30  # volumes of all other tables, section 4.3
AMOUNTS = (500, 1000, 1500, 2000)  # Table 4
BETAS = (0.001, 0.01, 0.1)  # Table 1
FURTHER = (0.3, 0.5)  # beyond it ("Beyond a beta value of 0.1", section 4.6.1)
GENERATORS = ("lsgan", "ldm", "vae", "hvae", "dhvae")  # Tables 3 and 4
TABLE2 = ("lsgan", "ldm", "vae", "hvae", "hvae_disc", "hvae_perc", "dhvae")
ARCHITECTURES = ("unet", "unetr", "swinunetr", "attn", "nnunet")  # Table 6
NAMES = {  # how figures and tables call the arms
    "real": "2D, real only",
    "classic2": "2D, classical ×2",
    "classic5": "2D, classical ×5",
    "real3d": "3D, real only",
    "classic2_3d": "3D, classical ×2",
    "classic5_3d": "3D, classical ×5",
    "oversample": "Oversampled real",
    "memoriser": "Noisy copies",
    "smooth": "Blurred copies",
    "shuffled": "dHVAE, masks shuffled",
    "lsgan": "LSGAN",
    "ldm": "LDM",
    "vae": "VAE",
    "hvae": "HVAE",
    "hvae_disc": "HVAE + disc",
    "hvae_perc": "HVAE + perc",
    "dhvae": "dHVAE",
    "dhvae_classic5": "dHVAE + classical ×5",
    "dhvae_fixed": "dHVAE of 30 volumes",
    "oracle": "Oracle (fresh phantoms)",
}
COPIES = {"oversample": "same", "memoriser": "noisy", "smooth": "blurred"}
PRESETS = {
    "vae": hvae.VAE,
    "hvae": hvae.HVAE,
    "hvae_disc": hvae.HVAE_DISC,
    "hvae_perc": hvae.HVAE_PERC,
    "dhvae": hvae.DHVAE,
    "hvae_disc_0.01": replace(hvae.HVAE_DISC, beta=hvae.DHVAE.beta),
    "hvae_perc_0.01": replace(hvae.HVAE_PERC, beta=hvae.DHVAE.beta),
    "hvae_stopped": replace(hvae.HVAE, stopped=True),
    "immediate": hvae.DHVAE,  # without delay, see `settings`
    "without_l1": replace(hvae.DHVAE, l1=False),
    "conditional": replace(hvae.DHVAE, condition=True),
    **{f"beta_{b:g}": replace(hvae.DHVAE, beta=b) for b in (*BETAS, *FURTHER, 0.99)},
}
SAME = {"beta_0.01": "dhvae", "delayed": "dhvae", "with_l1": "dhvae", "joint": "dhvae",
        "dhvae_0.5": "beta_0.5"}  # fmt: skip
FIDELITY = ("fd", "fd2", "kid", "mask_adherence", "empty", "coverage", "occupied", "sharpness")
FIDELITY += ("edge_slope", "checkerboard", "lesion_kid", "w1_glcm")
DIVERGENCE = ("jsd", "kld", "jsd_spatial", "kld_spatial", "w1_area", "w1_eccentricity")
DIVERGENCE += ("w1_solidity", "w1_count", "w1_row", "w1_column", "w1_empty")
RECONSTRUCTION = ("psnr", "lpips", "mask_dice")
LIKELIHOOD = ("elbo", "evidence", "gap")
DICE = ("dice", "dice_selected", "dice_slices", "dice_slices_all", "false_positives")


@dataclass(frozen=True)
class Study:
    """All arms in one modality: every method returns the job that makes a thing."""

    profile: Profile
    seed: int
    modality: str

    def stream(self, purpose: str, replicate: int = 0) -> list[int]:
        """Seeds of one purpose in one replicate."""
        return [self.seed, zlib.crc32(purpose.encode()), replicate]

    # ---- data ----

    def some(self, n: int) -> int:
        """How many volumes stand for n of the paper in this profile."""
        return max(2, n // self.profile.volume_share)

    def volumes(self, k: int) -> Job:
        """The training volumes of replicate k: as many as the largest row of Table 5."""
        stream = self.stream("train volumes", k)
        n = self.some(max(VOLUMES))
        return Job(volumes.volume_set, modality=self.modality, n=n, stream=stream)

    def slices(self, k: int, n: int = MAIN) -> Job:
        """The lesion slices (and the others) of the first n volumes: what 2-D methods see."""
        return Job(volumes.slice_set, volumes=self.volumes(k), n=self.some(n))

    def fresh(self, purpose: str, n: int, k: int = 0) -> Job:
        """n lesion slices of fresh subjects."""
        stream = self.stream(purpose, k)
        return Job(volumes.fresh_slices, modality=self.modality, n=n, stream=stream)

    @cached_property
    def test(self) -> Job:
        n, stream = self.profile.test_volumes, self.stream("test volumes")
        return Job(volumes.volume_set, modality=self.modality, n=n, stream=stream)

    @cached_property
    def reference(self) -> Job:
        """Real slices that samples are compared with; the null needs twice as many and more."""
        return self.fresh("reference slices", 2 * self.profile.judged_pairs + 200)

    def network(self, data: Job, steps: int, purpose: str, k: int = 0) -> Job:
        s = segment.SegmentSettings(steps=steps, precision=precision())
        stream = self.stream(purpose, k)
        return Job(segment.fit_job, data=data, settings=asdict(s), stream=stream)

    @cached_property
    def reader(self) -> Job:
        """The independent judge: a segmenter of plentiful fresh slices."""
        p = self.profile
        return self.network(self.fresh("reader slices", p.known_slices), p.known_steps, "reader")

    def guide(self, k: int, n: int = MAIN) -> Job:
        """The network behind the feature loss: it sees the training slices alone."""
        return self.network(self.slices(k, n), self.profile.hint_steps, "guide", k)

    # ---- generators ----

    def settings(self, arm: str) -> dict:
        """Settings of an auto-encoder."""
        p = self.profile
        sized = replace(
            PRESETS[arm], steps=p.pair_steps, warm_up=p.pair_delay, delay=p.pair_delay,
            precision=precision(),
        )  # fmt: skip
        return asdict(replace(sized, delay=0) if arm == "immediate" else sized)

    def fitted(self, arm: str, k: int, n: int = MAIN) -> Job:
        """A generator of replicate k, trained on n volumes."""
        arm, p, data = SAME.get(arm, arm), self.profile, self.slices(k, n)
        if arm == "lsgan":
            s = lsgan.LsganSettings(steps=p.lsgan_steps, precision=precision())
            return Job(lsgan.fit_job, data=data, settings=asdict(s), stream=self.stream(arm, k))
        if arm == "ldm":
            steps = dict(zip(("coder_steps", "steps"), p.latent_steps, strict=True))
            s = latent.LatentSettings(**steps, precision=precision())
            return Job(latent.fit_job, data=data, settings=asdict(s), stream=self.stream("ldm", k))
        settings = self.settings(arm)
        needs = settings["beta"] > 0 and settings["perc"]
        return Job(
            hvae.fit_job, data=data, guide=self.guide(k, n) if needs else None, settings=settings,
            stream=self.stream("auto-encoder", k),
            warm=None if arm == "immediate" else self.warm(k, n, settings["condition"]),
        )  # fmt: skip

    def warm(self, k: int, n: int = MAIN, condition: bool = False) -> Job:
        """The plain VAE whose steps all auto-encoders of a replicate have in common."""
        settings = self.settings("vae") | {"condition": condition}
        settings |= {"steps": self.profile.pair_delay}
        return Job(
            hvae.fit_job, data=self.slices(k, n), guide=None, settings=settings,
            stream=self.stream("warm auto-encoder", k),
        )  # fmt: skip

    def pool(self, arm: str, k: int, n: int = MAIN) -> Job | None:
        """The pairs that an arm adds to the real slices; None if it adds none."""
        p, arm = self.profile, SAME.get(arm, arm)
        most = max(p.added * 4, *p.long_additions, p.judged_pairs)
        stream = self.stream(f"pool {arm}", k)
        if arm == "real":
            return None
        if arm in COPIES:
            kind = COPIES[arm]
            return Job(
                copies.pool, data=self.slices(k, n), n=most, kind=kind, stream=stream
            )
        if arm in ("classic2", "classic5"):
            times = int(arm[-1]) - 1
            return Job(copies.classical, data=self.slices(k, n), times=times, stream=stream)
        if arm == "dhvae_classic5":
            parts = [self.pool("dhvae", k, n), self.pool("classic5", k, n)]
            return Job(copies.joined, pools=parts, each=[p.added * 4, None])
        if arm == "shuffled":
            return Job(copies.shuffled, pool=self.pool("dhvae", k, n), stream=stream)
        if arm == "oracle":
            return self.fresh("oracle slices", most, k)
        made = {"fitted": self.fitted(arm, k, n), "n": most, "stream": stream}
        if arm in ("lsgan", "ldm"):
            return Job((lsgan if arm == "lsgan" else latent).pool, **made)
        if arm == "conditional":
            return Job(hvae.pool, **made, given=self.slices(k, n))
        return Job(hvae.pool, **made)

    # ---- scores of generators ----

    def judged(self, pool: Job) -> Job:
        n = self.profile.judged_pairs
        return Job(pair_scores.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    def divergence(self, pool: Job) -> Job:
        n = self.profile.judged_pairs
        return Job(pair_scores.divergence, pool=pool, n=n, real=self.reference)

    @cached_property
    def null(self) -> Job:
        """What all these scores read between real slices of different subjects."""
        return Job(
            pair_scores.null, real=self.reference, n=self.profile.judged_pairs, reader=self.reader,
            splits=6, stream=self.stream("null"),
        )  # fmt: skip

    def reconstructed(self, arm: str, k: int, n: int = MAIN) -> Job:
        """PSNR and perceptual distance of reconstructions; for the GAN, of nearest images."""
        if arm == "lsgan":
            pool, m = self.pool(arm, k, n), min(300, self.profile.judged_pairs)
            return Job(pair_scores.nearest, pool=pool, real=self.reference, n=m)
        module = latent if arm == "ldm" else hvae
        pair = Job(
            module.reconstruction, fitted=self.fitted(arm, k, n), images=self.reference,
            n=min(300, self.profile.judged_pairs),
        )  # fmt: skip
        return Job(pair_scores.reconstructed, pair=pair, reader=self.reader)

    def memory(self, pool: Job, k: int) -> Job:
        n = self.profile.remembered
        return Job(
            pair_scores.memory, pool=pool, train=self.slices(k), holdout=self.reference, n=n
        )

    def likelihood(self, arm: str, k: int) -> Job:
        n, samples = self.profile.weighed
        return Job(
            hvae.likelihood, fitted=self.fitted(arm, k), images=self.reference, n=n,
            samples=samples, stream=self.stream("likelihood", k),
        )  # fmt: skip

    # ---- segmentation ----

    def segmented(
        self, pool: Job | None, extra: int | None, k: int, n: int = MAIN,
        architecture: str = "unet", dims: int = 2, synthetic: float | None = None,
    ) -> Job:  # fmt: skip
        """Scores of a segmenter trained on n real volumes and the first `extra` pairs of a pool."""
        p = self.profile
        steps = p.slice_steps if dims == 2 else p.volume_steps
        s = segment.SegmentSettings(
            architecture=architecture, dims=dims, steps=steps, batch=16 if dims == 2 else 2,
            synthetic=synthetic, precision=precision(),
        )  # fmt: skip
        real = self.slices(k, n)
        if dims == 3:
            real = Job(volumes.first_volumes, volumes=self.volumes(k), n=self.some(n))
        return Job(
            pair_scores.utility,
            arm=Job(
                segment.arm, real=real, pool=pool, extra=extra, test=self.test,
                settings=asdict(s), stream=self.stream("segmenter", k),
            ),
        )  # fmt: skip

    def amount(self, amount: int) -> int:
        """How many synthetic slices stand for so many of the paper in this profile."""
        return amount * self.profile.added // AMOUNTS[0]

    def added(self, arm: str, amount: int, k: int, **more) -> Job:
        """A 2-D segmenter with `amount` slices of an arm's pool."""
        return self.segmented(self.pool(arm, k), self.amount(amount), k, **more)

    def utility(self, arm: str, k: int, n: int = MAIN, architecture: str = "unet") -> Job:
        """The segmenter of an arm by its name in Table 4 ("vae1500", "classic5_3d", ...)."""
        stem, amount, weighed = split(arm)
        if stem.endswith("3d"):
            return self.in_3d(stem, k, n, architecture)
        pool = self.pool(stem, k, n)
        if amount is None and stem in ("real", "classic2", "classic5", "dhvae_classic5"):
            return self.segmented(pool, None, k, n, architecture)
        share = 0.5 if weighed else None
        extra = self.amount(amount or max(AMOUNTS))
        return self.segmented(pool, extra, k, n, architecture, synthetic=share)

    def in_3d(self, arm: str, k: int, n: int = MAIN, architecture: str = "unet") -> Job:
        """real3d, classic2_3d or classic5_3d."""
        if arm == "real3d":
            return self.segmented(None, None, k, n, architecture, dims=3)
        pool = Job(
            copies.classical,
            data=Job(volumes.first_volumes, volumes=self.volumes(k), n=self.some(n)),
            times=int(arm[7]) - 1, stream=self.stream(f"pool {arm}", k),
        )  # fmt: skip
        return self.segmented(pool, None, k, n, architecture, dims=3)

    # ---- draws ----

    @property
    def core(self) -> range:
        """Replicates of what core claims are judged on."""
        return range(self.profile.replicates)

    @property
    def beside(self) -> range:
        """Replicates of everything else."""
        return range(min(self.profile.secondary, self.profile.replicates))

    def draws(self, arm: str, core: Iterable[str]) -> range:
        return self.core if arm in set(core) else self.beside


def split(arm: str) -> tuple[str, int | None, bool]:
    """("vae", 1500, True) of "vae1500_reweighted"; no amount in "classic5_3d"."""
    stem = arm.removesuffix("_reweighted")
    for amount in (8000, 4000, *AMOUNTS[::-1]):  # 1500 before 500, with which it ends
        if stem.endswith(str(amount)):
            return stem.removesuffix(str(amount)), amount, stem != arm
    return stem, None, stem != arm


def studies(profile: Profile, seed: int) -> list[Study]:
    """Both modalities."""
    return [Study(profile, seed, modality) for modality in MODALITIES]


def scored_by(jobs: Iterable[tuple[str, str, list[Job], tuple[str, ...]]]) -> Scored:
    """{(arm, kind): one (job, metrics) per replicate} from (arm, kind, jobs, metrics)."""
    return {(arm, kind): [(job, metrics) for job in each] for arm, kind, each, metrics in jobs}
