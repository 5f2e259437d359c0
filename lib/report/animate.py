"""Films README's animated picture from the explorers' own pages: python -m lib.report.animate

A scene opens a page of figures/explore in a browser, leaves out what has no place in the picture,
and plays a script that moves the mouse as a reader would; each `yield n` of a script is one frame,
shown for n ticks. The page's clock moves only as far as a frame asks, so the same pages, browser
and fonts give the same frames. `./run_all.sh --report explore` makes the pages.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from lib import paths
from lib.record.rows import replace_file, short
from lib.report.palette import indexed, palette

if TYPE_CHECKING:  # only here: who reads this file need not have it
    from playwright.sync_api import Browser, Locator, Page

FILM = paths.ROOT / "figures" / "gallery" / "explorers.gif"
SIZE = (760, 550)  # width and height, px
TICK = 80  # ms
SETTLE = 400  # ms of the page's clock before a frame is taken; the slowest timer waits for 200
PATIENCE = 300_000  # ms of the real clock for one step of the browser, on a busy machine
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ARROW = np.array([(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)])  # px
STYLED = """(root, css) => {
  const style = document.createElement("style");
  style.textContent = css;
  root.append(style);
}"""

Point = tuple[float, float]  # px from the left and from the top of a page
Shot = tuple[Image.Image, int]  # a frame, and the ticks for which it is shown


def main() -> None:
    """Film all scenes into FILM; SystemExit where a page or the browser is missing."""
    try:
        files = {scene: page_of(scene) for scene in SCENES}
        with browser() as started:
            shots = [shot for scene, file in files.items() for shot in film(started, scene, file)]
    except MissingError as error:
        sys.exit(str(error))
    write(shots, FILM)
    seconds = sum(ticks for _, ticks in shots) * TICK / 1000
    print(f"{short(FILM)}: {seconds:.1f} s, {FILM.stat().st_size / 1e6:.2f} MB")


class MissingError(Exception):
    """Something that filming needs and this machine lacks; the message says what to do."""


# ---- what it needs ------------------------------------------------------------------------------


def chromium() -> str | None:
    """The path of a Chromium: $CHROMIUM, else the first on the PATH."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator["Browser"]:
    """A headless Chromium; MissingError without one, or without playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingError("playwright is missing: install environment.yml's packages.") from None
    if not (found := chromium()):
        raise MissingError("Chromium is missing: install it, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        yield started
        started.close()


def page_of(scene: "Scene") -> Path:
    """The page that a scene is filmed from; MissingError where it has not been made."""
    file = paths.FIGURES / "explore" / f"{scene.page}.html"
    if not file.is_file():
        raise MissingError(f"{short(file)} is missing: run ./run_all.sh --report explore first.")
    return file


# ---- the mouse ----------------------------------------------------------------------------------


def way(start: Point, end: Point, n: int) -> list[Point]:
    """n points from start (left out) to end in a straight line, slow at both ends."""
    share = (1 - np.cos(np.pi * np.arange(1, n + 1) / n)) / 2
    return [tuple(p) for p in (np.add(start, np.outer(share, np.subtract(end, start)))).tolist()]


class Hand:
    """The mouse on a page: where it is, and its moves, frame by frame."""

    def __init__(self, page: "Page"):
        self.page, self.at = page, (SIZE[0] * 0.6, SIZE[1] * 0.9)

    def move(self, to: Point, n: int) -> Iterator[int]:
        """n frames on the way to a place."""
        for at in way(self.at, to, n):
            self.at = at
            self.page.mouse.move(*at)
            yield 1

    def drag(self, *stops: Point, n: int) -> Iterator[int]:
        """Press here, and n frames to each of the stops; let go at the last."""
        self.page.mouse.down()
        for stop in stops:
            yield from self.move(stop, n)
        self.page.mouse.up()

    def click(self) -> None:
        self.page.mouse.down()
        self.page.mouse.up()


def within(element: "Locator", x: float, y: float) -> Point:
    """The place in an element at shares x of its width and y of its height."""
    box = element.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def thumb(slider: "Locator", value: float) -> Point:
    """Where the thumb of a range input stands at a value; it is 16 px wide."""
    low, high = (float(slider.get_attribute(end)) for end in ("min", "max"))
    box, share = slider.bounding_box(), (value - low) / (high - low)
    return box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2


# ---- the scenes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """A page, the title that it gets, what is left out (CSS selectors), and what the hand does."""

    page: str
    title: str
    without: tuple[str, ...]
    play: Callable[["Page", Hand], Iterator[int]]


def latent(page: "Page", hand: Hand) -> Iterator[int]:
    """Drag the point over the map, then choose two other labels."""
    board, stops = page.get_by_role("application"), ((0.7, 0.36), (0.5, 0.72), (0.36, 0.52))
    yield 6
    yield from hand.move(within(board, 0.32, 0.41), 3)
    yield from hand.drag(*(within(board, *stop) for stop in stops), n=6)
    for name in ("right opacity", "healthy"):
        yield from hand.move(within(page.get_by_role("radio", name=name), 0.5, 0.6), 3)
        hand.click()
        yield 6


def deviation(page: "Page", hand: Hand) -> Iterator[int]:
    """Make a deviation stronger, then drag its mask over the brain."""
    severity = page.get_by_role("slider", name="Severity")
    fused = page.get_by_role("img", name="fused", exact=True)
    yield 6
    yield from hand.move(thumb(severity, 1), 3)
    yield from hand.drag(thumb(severity, 2.5), n=7)
    yield 2
    yield from hand.move(within(fused, 0.65, 0.35), 3)
    yield from hand.drag(within(fused, 0.35, 0.4), within(fused, 0.45, 0.7), n=5)
    yield 6


def laboratory(page: "Page", hand: Hand) -> Iterator[int]:
    """Without the outline, fade a strong lesion away."""
    value, fade = (page.get_by_role("slider", name=name) for name in ("Value", "Fade lesion to"))
    value.press("End")
    value.press("ArrowLeft")
    yield 6
    yield from hand.move(within(page.get_by_role("checkbox"), 0.5, 0.5), 3)
    hand.click()
    yield 4
    yield from hand.move(thumb(fade, 1), 3)
    yield from hand.drag(thumb(fade, 0), n=14)
    yield 8


SCENES = (
    Scene(
        "latent_space", "Latent space: drag the point, change the label",
        (".explorer > :is(.row, .note)",
         "section:not([aria-label=Map], [aria-label='At the point'])",
         "[aria-label=Map] > :is(.note, .row, .status)", ".key li:nth-child(n + 5)",
         "[aria-label='At the point'] > :is(.row, .slider)", ".stage > :nth-child(n + 4)",
         ".toggle legend"),
        latent,
    ),
    Scene(
        "deviation_field", "Deviation field: make a lesion stronger, move it",
        (".explorer > p", "[aria-label^=Spectrum]", "[aria-label=Request] .row",
         ".status ~ .status",
         ".slider:has([aria-label^=Seam], [aria-label^=Sampling], [aria-label=Denoising])"),
        deviation,
    ),
    Scene(
        "phantom", "Phantom laboratory: fade the lesion until you lose it",
        (".explorer > p", "section:not([aria-label=Request], [aria-label=Pictures])",
         "[aria-label=Request] > h3", ".row:has(.toggle)", ".choice"),
        laboratory,
    ),
)  # fmt: skip


# ---- filming ------------------------------------------------------------------------------------


def film(started: "Browser", scene: Scene, file: Path) -> list[Shot]:
    """The frames of a scene, played on a page's file in a browser that has been started."""
    size = {"width": SIZE[0], "height": SIZE[1]}
    context = started.new_context(viewport=size, reduced_motion="reduce", color_scheme="light")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.clock.install(time=0)
    page.goto(file.as_uri())
    page.locator("h2").evaluate("(line, text) => { line.textContent = text; }", scene.title)
    css = f"{', '.join(scene.without)} {{ display: none !important; }}"
    page.locator(".explorer").evaluate(STYLED, css)
    page.clock.run_for(SETTLE)
    hand = Hand(page)
    shots = [(frame(page, hand.at), ticks) for ticks in scene.play(page, hand)]
    context.close()
    return shots


def frame(page: "Page", at: Point) -> Image.Image:
    """The page as it stands once its timers have run, SIZE, with the mouse drawn in."""
    page.clock.run_for(SETTLE)
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    arrow = [tuple(p) for p in (ARROW + np.round(at)).tolist()]
    ImageDraw.Draw(shot).polygon(arrow, fill="black", outline="white")
    return shot


def write(shots: Sequence[Shot], file: Path) -> None:
    """An endless GIF of the shots, all in one palette."""
    colours = palette([image for image, _ in shots])
    images = [indexed(image, colours) for image, _ in shots]
    length = [ticks * TICK for _, ticks in shots]
    replace_file(file, lambda half: images[0].save(
        half, save_all=True, append_images=images[1:], duration=length, loop=0, optimize=True
    ))  # fmt: skip


if __name__ == "__main__":
    main()
