"""How much to run. What a draw costs stands in each chapter's `sizes`."""

import re
from dataclasses import dataclass

TIERS = ("core", "beside", "long")
"""Arms that claims are judged on; arms beside them; long sweeps and factorials."""


@dataclass(frozen=True)
class Profile:
    """One way to run: how many training draws, of which arms, at which sizes."""

    name: str
    draws: int  # of core arms: fresh training sets, each with its own seeds
    beside: int  # of all other arms
    reach: str  # the last of TIERS that is run
    sizes: str = "full"  # a name of a chapter's SIZES


SMOKE = Profile("smoke", draws=2, beside=1, reach="beside", sizes="smoke")
QUICK = Profile("quick", draws=1, beside=1, reach="core")
FULL = Profile("full", draws=10, beside=6, reach="long")
PAPER = Profile("paper", draws=10, beside=6, reach="long", sizes="paper")
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, FULL, PAPER)}


@dataclass(frozen=True)
class Plan:
    """What is run: a profile, a seed, and the data."""

    profile: Profile
    seed: int = 0
    only: tuple[int, ...] = ()  # these draws instead of the profile's
    dataset: str = "phantom"
    root: str = ""  # folder of a data set that is no phantom

    def draws(self, tier: str = "core") -> tuple[int, ...]:
        """The numbers of the draws that arms of a tier have in this run."""
        if TIERS.index(tier) > TIERS.index(self.profile.reach):
            return ()
        n = self.profile.draws if tier == "core" else self.profile.beside
        return self.only or tuple(range(n))


def get(name: str) -> Profile:
    """The profile of this name; raises ValueError that lists the names."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is unknown; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def parse(text: str) -> range:
    """The draws "3-5" or "4" of a command line; ValueError in one sentence for anything else."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip(), re.ASCII)
    if found is None:
        raise ValueError(f"draws are {text!r}; write a number, or the first and the last as 3-5.")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f"draws {text} end before they begin; write {last}-{first}.")
    return range(first, last + 1)


def plan(
    profile: str, seed: int = 0, dataset: str = "phantom", root: str = "", draws: str = ""
) -> Plan:
    """What a notebook's parameters ask for; ValueError for a profile or draws that are none."""
    return Plan(get(profile), seed, tuple(parse(draws)) if draws else (), dataset, root)
