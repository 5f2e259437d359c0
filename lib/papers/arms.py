"""An arm of a study: what is added to the real images, and how it is trained and shown."""

from dataclasses import dataclass, field

ROLES = ("baseline", "method", "control", "oracle")


@dataclass(frozen=True)
class Arm:
    """One line of a table. Rows and claims know it by `name`, readers by `label`."""

    name: str
    label: str
    role: str = "method"  # one of ROLES
    tier: str = "core"  # one of profiles.TIERS: which runs have it
    source: str = ""  # whose pool it adds to the real images; "": none
    amount: int | None = None  # how many of the pool; None: all, or as many as there are real ones
    dims: int = 2  # 3: whole volumes instead of slices
    weighting: float | None = None  # share of the pool in every batch; None: all in one pot
    oracle: str = "oracle"  # the arm that says what as many fresh phantoms give
    epochs: bool = False  # as many epochs as real images alone, where others take as many steps
    augment: bool = False  # a new transform of every image at every step of the downstream network
    changes: dict = field(default_factory=dict, hash=False)  # settings that it changes
    note: str = ""  # one word that a chapter reads, as "pseudo-labels"
    variant_of: str = ""  # the generator that it changes, where that is not its source

    def __post_init__(self):
        if self.role not in ROLES:
            raise ValueError(f"role of arm {self.name} is {self.role!r}; use one of {ROLES}")

    @property
    def generator(self) -> str:
        """The generator whose competence its numbers rest on; "" for one that draws no samples.

        An ablation rests on the method that it changes; a control's samples are wrong on purpose.
        """
        return (self.variant_of or self.source) if self.role == "method" else ""


def named(*arms: Arm) -> dict[str, Arm]:
    """{name: arm}; ValueError if two have one name."""
    found = {arm.name: arm for arm in arms}
    if len(found) < len(arms):
        raise ValueError("two arms have one name; give each its own")
    return found
