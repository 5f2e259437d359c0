"""Where images come from: phantoms drawn fresh from a law, or a folder of patients.

A study asks its source for jobs and never knows which of the two answers. What only phantoms have
(fresh subjects without end, the truth behind an image) a source of patients does not have: `fresh`
is None there, `truth` is False, and `known` raises NeedsPhantom, so that a table shows the row as
left out instead of not at all.

A stream is [seed, purpose, draw]. Phantoms: every stream gives new subjects. Patients: the seed
splits the subjects once and orders those of validation and test, which are the same in every draw;
the whole stream orders the training subjects, of which a job takes the first that it needs. Draws
of patients so overlap, and their spread understates that of new patients.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lib.datasets import chest
from lib.datasets import volumes as volume_sets
from lib.datasets.readers import draws, folder
from lib.datasets.readers.folder import Folder
from lib.jobs import Job
from lib.phantoms.chest import CLASSES

DATASETS = ("phantom", "folder")


class NeedsPhantom(LookupError):
    """What is asked exists for phantoms alone; `what` names it."""

    def __init__(self, what: str):
        self.what = what
        super().__init__(f"{what} needs a phantom; leave it out, or use dataset 'phantom'.")


class Source:
    """What all sources say; train, validation and test (n, stream) give a Job each.

    `fresh` (of volumes: `fresh_slices`) gives a Job for n entries of subjects beside the splits, or
    None where there are none.
    """

    truth = False  # whether counterfactual, law and oracle of an image are known
    classes = CLASSES

    def known(self, what: str) -> None:
        """Raise NeedsPhantom(what) unless the truth behind the images is known."""
        if not self.truth:
            raise NeedsPhantom(what)


@dataclass(frozen=True)
class PhantomImages(Source):
    """Chest phantoms of one law: image (N, H, W), label, subject and mask."""

    law: str
    truth = True

    def train(self, n: int, stream: list[int]) -> Job:
        """n new subjects; so are those of the other splits."""
        return Job(chest.image_set, law=self.law, n=n, stream=stream)

    validation = test = fresh = train


@dataclass(frozen=True)
class PhantomVolumes(Source):
    """Brain or neck phantoms in one modality: image (S, D, H, W), mask and subject."""

    modality: str
    truth = True

    def train(self, n: int, stream: list[int]) -> Job:
        """n new subjects; so are those of the other splits."""
        return Job(volume_sets.volume_set, modality=self.modality, n=n, stream=stream)

    test = train

    def fresh_slices(self, n: int, stream: list[int]) -> Job:
        """n lesion slices of new subjects."""
        return Job(volume_sets.fresh_slices, modality=self.modality, n=n, stream=stream)


@dataclass(frozen=True)
class FolderImages(Source):
    """Radiographs of a folder, as PhantomImages gives them; see `readers.folder`.

    n counts images, and any prefix of whole fours has the class mix of the phantoms. Raises
    ValueError if the folder has too few images of a class.
    """

    folder: Folder

    def train(self, n: int, stream: list[int]) -> Job:
        """n images of training subjects in the order of this stream."""
        return self._drawn("train", n, stream)

    def validation(self, n: int, stream: list[int]) -> Job:
        """The first n images of the validation subjects, the same for every stream of a seed."""
        return self._drawn("validation", n, stream[:1])

    def test(self, n: int, stream: list[int]) -> Job:
        """The first n images of the test subjects, the same for every stream of a seed."""
        return self._drawn("test", n, stream[:1])

    def fresh(self, n: int, stream: list[int]) -> None:
        """None: a folder has no subjects beside its splits."""

    @cached_property
    def columns(self) -> draws.Columns:
        """What the split needs to know."""
        return self.folder.columns()

    def _drawn(self, part: str, n: int, stream: list[int]) -> Job:
        draws.choose_images(self.columns, part, n, stream)  # too few: refused here
        data = Job(folder.read_images, digest=self.folder.digest)
        return Job(folder.draw_images, data=data, part=part, n=n, stream=stream)


@dataclass(frozen=True)
class FolderVolumes(Source):
    """Volumes of a folder in one modality, as PhantomVolumes gives them; n counts subjects."""

    folder: Folder
    modality: str

    def train(self, n: int, stream: list[int]) -> Job:
        """n training subjects in the order of this stream."""
        return self._drawn("train", n, stream)

    def test(self, n: int, stream: list[int]) -> Job:
        """The first n test subjects, the same for every stream of a seed."""
        return self._drawn("test", n, stream[:1])

    def fresh_slices(self, n: int, stream: list[int]) -> None:
        """None: a folder has no subjects beside its splits."""

    @cached_property
    def columns(self) -> draws.Columns:
        """What the split needs to know."""
        return self.folder.columns(self.modality)

    def _drawn(self, part: str, n: int, stream: list[int]) -> Job:
        draws.choose_volumes(self.columns, part, n, stream)
        data = Job(folder.read_volumes, digest=self.folder.digest, modality=self.modality)
        return Job(folder.draw_volumes, data=data, part=part, n=n, stream=stream)


def images(dataset: str, law: str, root: Path | str | None = None) -> Source:
    """The labelled images of a data set; patients have no law. ValueError says what is wrong."""
    if is_phantom(dataset, root):
        return PhantomImages(law)
    return FolderImages(folder.opened(Path(root), "images"))


def volumes(dataset: str, modality: str, root: Path | str | None = None) -> Source:
    """The volumes of a data set in one of its `modalities`. ValueError says what is wrong."""
    if is_phantom(dataset, root):
        return PhantomVolumes(modality)
    found = folder.opened(Path(root), "volumes")
    found.volumes(modality)  # an unknown one: refused here
    return FolderVolumes(found, modality)


def modalities(dataset: str, root: Path | str | None = None) -> tuple[str, ...]:
    """The modalities in which a data set has volumes."""
    if is_phantom(dataset, root):
        return volume_sets.MODALITIES
    return folder.opened(Path(root), "volumes").modalities


def is_phantom(dataset: str, root: Path | str | None) -> bool:
    """Raises ValueError for an unknown data set, and for a folder without its root."""
    if dataset not in DATASETS:
        raise ValueError(f"dataset {dataset!r} is unknown; choose one of {', '.join(DATASETS)}.")
    if dataset == "folder" and root is None:
        raise ValueError("dataset 'folder' needs its root; pass the folder that holds labels.csv.")
    return dataset == "phantom"
