"""A folder as a reader of this project would bring it, made of phantoms: PNG files and a table."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from lib.datasets import volumes
from lib.datasets.splits import interleaved_labels
from lib.phantoms import chest

WHITE = {8: np.uint8(255), 16: np.uint16(65535)}


def write(folder: Path, kind: str, n: int, seed: int = 0, bits: int = 16, **more) -> list[dict]:
    """Write n subjects of "images" or "volumes" and return the rows of the table.

    images: law; one image a subject, stretched to the grey values of the type.
    volumes: modalities; a slice a file, [0, 1] on the grey values of the type.
    The smoke profile of PA-VAE needs 800 images, that of dHVAE 14 volumes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = (images if kind == "images" else slices)(folder, n, seed, bits, **more)
    table(folder, rows)
    return rows


def table(folder: Path, rows: list[dict]) -> None:
    """Write labels.csv anew; its columns are those of the first row."""
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def png(file: Path, unit: np.ndarray, bits: int = 8) -> None:
    """Save values in [0, 1] as a grey PNG."""
    white = WHITE[bits]
    Image.fromarray(np.rint(unit * float(white)).astype(white.dtype)).save(file)


def images(folder: Path, n: int, seed: int, bits: int, law: str = "bare") -> list[dict]:
    """The subjects of `chest.image_set(law, n, [seed])`, before preprocessing."""
    rng = np.random.default_rng([seed])
    batch = chest.render(chest.sample(chest.LAWS[law], interleaved_labels(n), rng))
    rows = []
    for i, (image, mask, label) in enumerate(
        zip(batch.image, batch.mask, batch.label, strict=True)
    ):
        name = f"{i:05d}.png"
        png(folder / name, (image - image.min()) / np.ptp(image), bits)
        if label:
            png(folder / f"mask_{name}", mask)
        rows.append(
            {
                "file": name,
                "subject": f"p{i:05d}",
                "label": int(label),
                "mask": f"mask_{name}" if label else "",
            }
        )
    return rows


def slices(
    folder: Path, n: int, seed: int, bits: int, modalities: tuple[str, ...] = volumes.MODALITIES
) -> list[dict]:
    """The subjects of `volumes.volume_set(modality, n, [seed])` in every modality."""
    rows = []
    for modality in modalities:
        made = volumes.volume_set(modality, n, [seed]).arrays
        for who, at in np.ndindex(made["image"].shape[:2]):
            name = f"{modality}_{who:03d}_{at:02d}.png"
            png(folder / name, made["image"][who, at], bits)
            sick = made["mask"][who, at].any()
            if sick:
                png(folder / f"mask_{name}", made["mask"][who, at])
            rows.append(
                {
                    "file": name,
                    "subject": f"p{who:03d}",
                    "mask": f"mask_{name}" if sick else "",
                    "slice": int(at),
                    "modality": modality,
                }
            )
    return rows
