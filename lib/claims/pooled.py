"""The interval with the error pooled over arms set beforehand, shown beside the plain one.

It is model-based: one variance for the arms of a pool, the control's apart
(lib.metrics.inference.two_variances). At the levels of the first looks it says "clear" too often
(lib/claims/rates.json), so verdicts rest on the plain paired t alone.
"""

from lib.claims import evidence, gate
from lib.claims.verdict import interval, number
from lib.metrics.inference import two_variances

CONTROL = "real"
DHVAE = ("oversample", "ldm", "vae", "hvae", "dhvae", "smooth", "shuffled", "oracle")
POOLS = {  # by item: arms on the same draws whose residuals are alike; no GAN, whose fits differ
    "pavae/table4_main": (
        *("classic", "oversample", "template", "vae", "pavae"),
        *("memoriser", "smooth", "shuffled", "oracle"),
    ),
    "dhvae/table4_augmentation": ("classic5", *(f"{name}2000" for name in DHVAE)),
}


def beside(test: dict, source) -> dict | None:
    """{mean, ci95, p, df, n, arms} of a difference to `real` by all draws; None where it has no
    pool, is not in it, or less than three arms or two draws are there."""
    pool = POOLS.get(test.get("item"), ())
    if test["kind"] != "difference" or test.get("relative") or test["control"] != CONTROL:
        return None
    if test["treatment"] not in pool:
        return None
    found = {arm: _values(test, source, arm) for arm in (*pool, CONTROL)}
    need = found[CONTROL].keys() & found[test["treatment"]].keys()
    arms = [arm for arm in pool if need and need <= found[arm].keys() and _fit(test, source, arm)]
    if len(need) < 2 or len(arms) < 3 or test["treatment"] not in arms:
        return None
    matrix = evidence.sign(test) * evidence.together([found[arm] for arm in (*arms, CONTROL)])
    found = two_variances(matrix[:-1], matrix[-1], arms.index(test["treatment"]))
    return found | {"arms": len(arms)}


def _values(test, source, arm):
    try:
        return evidence.values(test, source, arm=arm)
    except evidence.Missing:
        return {}


def _fit(test, source, arm) -> bool:
    """Whether an arm may enter: it is no generator, or one that nothing shows incompetent."""
    made = gate.generator(source, test["item"], test["regime"], arm, test["metric"])
    if made is None or arm == test["treatment"]:
        return True
    return not gate.failures(gate.competence(source, test["item"], *made))


def sentence(found: dict) -> str:
    return (
        f"Model-based, with the error pooled over {found['arms']} arms and the control's apart: "
        f"{number(found['mean'])}, {interval(found['ci95'])}."
    )
