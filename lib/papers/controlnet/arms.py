"""The arms of ControlNet's studies, and the four tasks that they are tried on.

An arm's name is the one that claims and rows know: `syn10` adds ten synthetic films for each real
one; `oracle10`, `oversample10`, `memoriser10`, `smooth10` and `shuffled10` add as many of others.
"""

from dataclasses import dataclass, field

from lib.papers.arms import Arm, named

TIMES = (2, 5, 10, 25)  # synthetic films for each real one
PERCENT = (1, 10, 100)  # of the real films
SHORT = "syn"  # the generator's name in rows: base and branch
COPIES = {"oversample": "same", "smooth": "blurred", "memoriser": "noisy"}  # kinds of copies


@dataclass(frozen=True)
class Added(Arm):
    """An arm that adds `times` films for each real one.

    prompt: "single", one finding a film, or "multi", all findings of a real film together.
    balance: "balanced", all findings equally often once real and synthetic films are counted
    together, or "proportional", as often as among real films.
    masks: "any" transformation of the real films' masks, or the "original" ones.
    brief: of a part a tenth is drawn, no less than the arm's judge and its one task see.
    """

    times: int = 0
    prompt: str = "single"
    balance: str = "balanced"
    masks: str = "any"
    brief: bool = False


def _of(kind: str, label: str, role: str, tier: str = "core", source: str = "") -> list[Added]:
    return [
        Added(f"{kind}{times}", f"{label}, {times}x", role, tier, source or kind,
              oracle=f"oracle{times}", times=times)
        for times in TIMES
    ]  # fmt: skip


MAIN = named(
    Added("real", "Real films", "baseline", oracle=""),
    Added("classic", "Real films, augmented on the fly", "baseline", augment=True, oracle=""),
    *_of(SHORT, "Synthetic", "method"),
    *_of("oversample", "Real films again", "baseline"),
    *_of("memoriser", "Noisy copies", "control"),
    *_of("smooth", "Blurred copies", "control"),
    *_of("shuffled", "Synthetic, labels or masks shuffled", "control"),
    *_of("oracle", "Oracle (fresh phantoms)", "oracle"),
)
"""What can stand beside the real films of a task."""


def _syn(name: str, label: str, times: int, tier: str = "beside", **how) -> Added:
    """The generator asked or trained otherwise."""
    return Added(name, label, tier=tier, source=SHORT, oracle=f"oracle{times}", times=times, **how)


PROMPTS = named(  # 02: what is asked of the generator
    _syn("syn2_single", "Synthetic, 2x, one finding a film", 2),
    _syn("syn2_multi", "Synthetic, 2x, several findings a film", 2, prompt="multi"),
    _syn("syn10_original", "Synthetic, 10x, original masks", 10, masks="original"),
)
VOLUME = named(  # 03: what more films are worth, and where their knowledge comes from
    _syn("syn2_proportional", "Synthetic, 2x, as prevalent as real", 2, balance="proportional"),
    _syn("syn10_epochs", "Synthetic, 10x, equal epochs", 10, epochs=True),
    Added("oversample10_epochs", "Real films again, as many steps as 10x at equal epochs",
          "baseline", "beside", "oversample", oracle="oracle10", times=10, epochs=True),
    _syn("syn10_scarce", "Synthetic, 10x, generator of the scarce films alone", 10,
         changes={"pool": "scarce"}),
)  # fmt: skip
PROXY = named(  # 04
    _syn("undertrained2", "Synthetic, 2x, a quarter of the training", 2, "core",
         changes={"trained": 0.25}, variant_of=SHORT, brief=True),
    _syn("finetuned2", "Synthetic, 2x, tuned on filtered films", 2, "core",
         changes={"tuned": "proxy"}, variant_of=SHORT, brief=True),
    _syn("finetuned_random2", "Synthetic, 2x, tuned on as many films by chance", 2, "core",
         changes={"tuned": "random"}, variant_of=SHORT, brief=True),
    _syn("filtered", "The tenth that the proxy likes best", 2, "core",
         changes={"keep": "few"}, variant_of=SHORT),
    _syn("filtered_equal", "Liked best of ten times as many", 2, "core",
         changes={"keep": "best"}, variant_of=SHORT),
    _syn("large_low", "Liked least of ten times as many", 2, "core",
         changes={"keep": "least"}, variant_of=SHORT),
    _syn("small_high", "A tenth of the films, liked best of ten times as many", 2, "core",
         changes={"keep": "best few"}, variant_of=SHORT),
    _syn("small_low", "A tenth of the films, liked least of ten times as many", 2,
         changes={"keep": "least few"}, variant_of=SHORT),
    Added("proxy", "The proxy's score", "baseline", oracle=""),
)  # fmt: skip
FEEDBACK = named(  # 05
    _syn("dpo2", "Synthetic, 2x, tuned on preferences", 2, "core",
         changes={"tuned": "vanilla"}, variant_of=SHORT, brief=True),
    _syn("rank2", "Synthetic, 2x, preferences weighed by rank", 2,
         changes={"tuned": "rank"}, variant_of=SHORT, brief=True),
    _syn("safeguarded2", "Synthetic, 2x, preferences with the safeguard", 2,
         changes={"tuned": "safeguarded"}, variant_of=SHORT, brief=True),
    _syn("dpo_random2", "Synthetic, 2x, tuned on the same pairs, the winner by a coin", 2, "core",
         changes={"tuned": "vanilla", "coin": True}, variant_of=SHORT, brief=True),
    Added("dpo", "Tuned on preferences", source=SHORT, changes={"tuned": "vanilla"},
          variant_of=SHORT),
    Added("dpo_random", "Tuned on the same pairs, the winner by a coin", source=SHORT,
          changes={"tuned": "vanilla", "coin": True}, variant_of=SHORT),
    Added("original", "Not tuned", source=SHORT, variant_of=SHORT),
    Added("dpo_text", "Tuned on preferences, text alone (T2I)", source=SHORT,
          changes={"tuned": "vanilla"}, variant_of=SHORT),
    Added("original_text", "Not tuned, text alone (T2I)", source=SHORT, variant_of=SHORT),
)  # fmt: skip
GENERATED = named(  # 01: which conditions are given
    Added(SHORT, "Base and branch", source=SHORT),
    Added("text_only", "Text alone (T2I)", source=SHORT, variant_of=SHORT),
    Added("mask_only", "Mask alone (M2I)", source=SHORT, variant_of=SHORT),
    Added("text_and_mask", "Text and mask (TM2I)", source=SHORT, variant_of=SHORT),
    Added("twin", "Mask as an input channel, nothing frozen", tier="beside", source="twin"),
    Added("with_branch", "Base and branch, text alone", source=SHORT, variant_of=SHORT),
    Added("without_branch", "Base, text alone", source=SHORT, variant_of=SHORT),
    Added("fresh", "Fresh phantoms", "oracle", oracle=""),
)  # fmt: skip


def _recipe(steps: int, guidance: float | None) -> Added:
    """The generator drawn from with so many steps of DDIM and this guidance; None: our own."""
    how = f"guidance {guidance:g}" if guidance else "guidance by condition"
    name = f"try_s{steps}_g{guidance:g}" if guidance else f"try_s{steps}"
    return Added(
        name, f"{steps} steps, {how}", tier="long", source=SHORT, oracle="fresh",
        changes={"steps": steps, "guidance": guidance},
    )  # fmt: skip


RECIPES = named(  # 01: what was tried on the spare draw, the one that was taken among them
    *(_recipe(steps, 2.0) for steps in (6, 10)),
    _recipe(10, 3.0),
    *(_recipe(20, guidance) for guidance in (1.0, 1.5, 2.0, 3.0, 4.0, None)),
)

READ = named(  # 01: what the base of the spare draw reads; shares of captions and of bare names
    *(
        Added(name, label, tier="long", source=SHORT, oracle="fresh",
              changes={"caption_share": captions, "name_share": names})
        for name, label, captions, names in (
            ("read_no_names", "reports and captions", 0.5, 0.0),
            ("read_names", "reports, captions, bare names", 0.35, 0.3),
        )
    )
)  # fmt: skip

PARTS = (MAIN, PROMPTS, VOLUME, PROXY, FEEDBACK, GENERATED)
SOURCES = named(*(arm for part in PARTS for arm in part.values()))


def chosen(*names: str) -> list[Added]:
    return [SOURCES[name] for name in names]


# ---- tasks --------------------------------------------------------------------------------------

MACRO = ("f1_macro", "f1_macro_tuned", "auc_macro", "auprc_macro", "f1_macro_all_positive")
MACRO += ("f1_rare", "f1_common")
BINARY = ("f1", "f1_tuned", "auc", "auprc", "f1_all_positive")
OUTLINED = ("dice", "dice_all", "false_positive_rate")


@dataclass(frozen=True)
class Task:
    """A data set and what is learned from it."""

    name: str  # of its law, too
    label: str
    network: str
    metrics: tuple[str, ...]
    quoted: dict[int, int] = field(hash=False)  # times that the paper quotes, by percent
    findings: tuple[str, ...] = ()  # that a classifier tells; (): a segmenter of the pneumothorax

    @property
    def about(self) -> str:
        """The one finding that it is about; "" for several."""
        return "" if len(self.findings) > 1 else (*self.findings, "pneumothorax")[0]

    @property
    def score(self) -> str:
        """The paper's own."""
        return self.metrics[0]

    def regime(self, percent: int) -> str:
        """How rows name a fraction of the real films."""
        return f"{self.name}-{percent}"


OFTEN, TWICE = {1: 25, 10: 10, 100: 2}, {1: 2, 10: 2, 100: 2}
CHEXPERT = ("atelectasis", "cardiomegaly", "consolidation", "edema", "pleural effusion")
TASKS = {
    task.name: task
    for task in (
        Task("candid", "CANDID-like", "UNet++", OUTLINED, OFTEN),
        Task("siim", "SIIM-like", "UNet++", OUTLINED, OFTEN),
        Task("rsna", "RSNA-like", "ResNet-50", BINARY, OFTEN, ("pneumonia",)),
        Task("chexpert", "CheXpert-like", "ResNet-50, aligned with reports (for MGCA)", MACRO,
             TWICE, CHEXPERT),
    )
}  # fmt: skip
"""In the order of Figure 2's plots."""
