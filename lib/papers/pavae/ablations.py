"""Table 5 and Figure 4: PA-VAE with one thing changed, and what no ablation of the paper asks."""

from collections.abc import Iterable

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.pavae import printed
from lib.papers.pavae.arms import ABLATED, ATTRIBUTES, FIDELITY, UTILITY
from lib.papers.pavae.rules import Judged
from lib.papers.pavae.study import Study, phantom_study
from lib.papers.table import Scores
from lib.profiles import Plan
from lib.scores import measures

MEASURES = ("error", "path", "kl", "mask", "cls", "mask_side", "guide_adherence", "separation")
ANCHORS = ("real", "oracle", "shuffled")  # of the main comparison; rows are held against them


def measured(study: Study, arm: Arm, k: int) -> Job:
    """What the loss terms are meant to change, on validation images and on samples."""
    return Job(
        measures.measure, fitted=study.fitted(arm, k), guide=study.guide(k),
        images=study.validation(k), n=min(1000, study.size.validation),
        stream=study.stream("measure", k),
    )  # fmt: skip


class Table5(Judged):
    """The paper's ablations, further ones, and the anchors that they stand between."""

    item = "pavae/table5_ablations"

    def studies(self, plan: Plan) -> list[Study]:
        return [phantom_study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in ABLATED.values():
            pools = study.each(arm, lambda k, a=arm: study.pool(a, k))
            yield Scores(arm, UTILITY, {k: study.used(pool, k) for k, pool in pools.items()})
            yield Scores(arm, FIDELITY, {k: study.judged(pool) for k, pool in pools.items()})
            yield Scores(arm, ATTRIBUTES, {k: study.lesions(pool) for k, pool in pools.items()})
            if not arm.mix:
                yield Scores(arm, MEASURES, {k: measured(study, arm, k) for k in pools})
        yield from self.anchors(study)

    def anchors(self, study: Study) -> Iterable[Scores]:
        for arm in (study.arms[name] for name in ANCHORS):
            if arm.name != "shuffled":
                yield Scores(arm, UTILITY, study.each(arm, lambda k, a=arm: study.utility(a, k)))
            if arm.name != "real":
                yield Scores(arm, FIDELITY, study.each(arm, lambda k, a=arm: study.fidelity(a, k)))
        fresh = study.each("core", lambda k: study.lesions(study.fresh(k)))
        yield Scores(study.arms["oracle"], ATTRIBUTES, fresh)

    def rows(self, plan: Plan) -> list[dict]:
        """The column `paper` is for absolute values; Table 5's changes are in `paper_change`."""
        found = super().rows(plan)
        for row in found:
            said = dict(zip(("auc", "fd"), printed.TABLE5.get(row["arm"], ()), strict=False))
            row["paper_change"] = said.get(row["metric"])
        return found
