"""Tables 1, 2 and 4 of PA-VAE, and where all tables and sections of the chapter are."""

from collections.abc import Iterable

from lib import jobs
from lib.jobs import Job
from lib.papers.pavae import counterfactuals, looks, method
from lib.papers.pavae.ablations import Table5
from lib.papers.pavae.arms import ATTRIBUTES, FIDELITY, MAIN, UTILITY
from lib.papers.pavae.diagnostics import Diagnostics, Gaps
from lib.papers.pavae.robustness import Robustness
from lib.papers.pavae.rules import Judged
from lib.papers.pavae.study import Study, study
from lib.papers.pavae.sweeps import Data
from lib.papers.pavae.training import Steps, Training
from lib.papers.table import Scores, Table, row
from lib.profiles import Plan


class Table1(Table):
    """The dataset: one training draw, validation and test."""

    item = "pavae/table1_dataset"

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def more(self, study: Study) -> list[Job]:
        return [study.train(0), study.validation(0), study.test]


class Table2(Table):
    """The fit whose settings the paper lists, and the guide in its loss."""

    item = "pavae/table2_settings"

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def more(self, study: Study) -> list[Job]:
        return [study.train(0), study.guide(0), method.printed(study)]


class Table4(Judged):
    """The main comparison: utility, fidelity, memorisation, reconstruction."""

    item = "pavae/table4_main"
    main = tuple(MAIN.values())

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in study.arms.values():
            yield Scores(arm, UTILITY, study.each(arm, lambda k, a=arm: study.utility(a, k)))
            if study.is_judged(arm):
                yield Scores(arm, FIDELITY, study.each(arm, lambda k, a=arm: study.fidelity(a, k)))
                near = study.each(arm, lambda k, a=arm: study.memory(a, k))
                yield Scores(arm, ("nn_share",), near)
            if study.is_read(arm):
                read = study.each(arm, lambda k, a=arm: study.lesions(study.pool(a, k)))
                yield Scores(arm, ATTRIBUTES, read)
            if study.reconstructs(arm):
                yield Scores(arm, ("ssim",), study.each(arm, lambda k, a=arm: study.ssim(a, k)))


class Method(Table):
    """Section 3: the fitted model of draw 0, its reading per pixel, its counterfactuals.

    The numbers of Latents and Counterfactuals stand here too, beside those of the terms.
    """

    item = "pavae/03_method"

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def more(self, study: Study) -> list[Job]:
        own = [method.film(study), *method.beta_fits(study).values()]
        fits = [method.printed(study), method.per_pixel(study), *own]
        return [*fits, study.train(0), study.guide(0), study.validation(0)]

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        look, code = looks.Look(study), jobs.fingerprint(self.more(study))
        found = looks.numbers(look)
        found |= counterfactuals.numbers(look) if study.source.truth else {}
        for (arm, metric), (value, ends) in found.items():
            yield row(study, study.regime, arm, metric, {0: value}, code, **ends)


class Latents(Method):
    """The same model's latent space, its training as a film, and models by beta; only pictures."""

    item = "pavae/03_latents"

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        return ()


class Counterfactuals(Latents):
    """One latent under three labels; only pictures."""

    item = "pavae/03_counterfactuals"

    def more(self, study: Study) -> list[Job]:
        return [method.printed(study), study.train(0), study.guide(0), study.validation(0)]


TABLES = {
    table.item.rpartition("/")[2]: table
    for table in (
        Table1(), Table2(), Table4(), Table5(), Method(), Latents(), Counterfactuals(), Data(),
        Training(), Steps(), Robustness(), Diagnostics(), Gaps(),
    )
}  # fmt: skip

# ---- further tables
