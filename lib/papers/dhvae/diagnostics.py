"""What dHVAE's samples lack, and what would bring them to the oracle: one thing at a time."""

from collections.abc import Iterable

from lib.controls import decoded
from lib.jobs import Job
from lib.papers.arms import Arm, named
from lib.papers.dhvae.arms import DICE, FIDELITY, MAIN, MOST, SOURCES
from lib.papers.dhvae.readings import Pairs
from lib.papers.dhvae.study import Study
from lib.papers.table import Scores

TIMES = 5  # as many volumes for the generator of "more_volumes"


def _arm(name: str, label: str) -> Arm:
    return Arm(name, label, "control", "beside", source=name)


ARMS = named(
    _arm("healed", "dHVAE, lesions filled in"),
    _arm("remade_image", "fresh masks, images decoded"),
    _arm("remade_mask", "fresh images, masks decoded"),
    _arm("remade_both", "fresh pairs, both decoded"),
    _arm("reread", "dHVAE, masks read anew"),
    _arm("more_volumes", f"dHVAE of {TIMES} × the volumes"),
)
UNREAD = ("healed",)  # arms without a lesion that a reader could see
REMADE = {"remade_image": ["image"], "remade_mask": ["mask"], "remade_both": ["image", "mask"]}
STANDING = ("real", "shuffled", "smooth", "dhvae", "dhvae_near", "oracle")  # arms beside them


def pool(study: Study, arm: Arm, k: int) -> Job:
    """The pairs that an arm adds to the real slices."""
    dhvae, stream = SOURCES["dhvae"], study.stream(f"pool {arm.name}", k)
    if arm.name == "more_volumes":
        return study.pool(dhvae, k, TIMES * MAIN)
    if arm.name == "reread":
        return Job(decoded.reread, pool=study.pool(dhvae, k), reader=study.reader)
    made = study.fitted(dhvae, k)
    if arm.name == "healed":
        return Job(decoded.healed, pool=study.pool(dhvae, k), fitted=made, stream=stream)
    fresh = study.pool(SOURCES["oracle"], k)
    return Job(decoded.remade, fresh=fresh, fitted=made, parts=REMADE[arm.name], stream=stream)


class Diagnostics(Pairs):
    """Dice and fidelity of ARMS, beside dHVAE, its controls and the oracle of Table 4."""

    item = "dhvae/04_diagnostics"

    def scores(self, study: Study) -> Iterable[Scores]:
        for name in STANDING if study.source.truth else ():
            arm = SOURCES[name]
            used = study.each("beside", lambda k, a=arm: study.utility(a, k))
            yield Scores(arm, DICE, used)
            if arm.source:
                seen = study.each("beside", lambda k, a=arm: study.judged(study.pool(a, k)))
                yield Scores(arm, FIDELITY, seen)
        for arm in ARMS.values() if study.source.truth else ():
            yield Scores(arm, DICE, study.each(arm, lambda k, a=arm: self.used(study, a, k)))
            if arm.name not in UNREAD:
                seen = study.each(arm, lambda k, a=arm: study.judged(pool(study, a, k)))
                yield Scores(arm, FIDELITY, seen)

    @staticmethod
    def used(study: Study, arm: Arm, k: int) -> Job:
        """Dice of real slices and MOST of an arm's pairs, the mean over the seeds of a draw."""
        made, extra = pool(study, arm, k), study.amount(MOST)
        return study.over_seeds(
            lambda i: study.scored(study.segmented(made, extra, k, again=i)), alone=False
        )
