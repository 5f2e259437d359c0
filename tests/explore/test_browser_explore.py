"""Explorers in a real browser, from file://: quick, without requests, by keyboard and by mouse."""

import base64
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.explore import host, latent_space, weights
from lib.generators import hvae, vae
from lib.networks.classifier import SmallCNN
from lib.phantoms import chest
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

PIXELS = "canvas => canvas.toDataURL()"
FRAME = 1000 / 30  # ms


def opened(page, file):
    page.goto(file.as_uri())
    page.locator(".explorer h2").wait_for()


def test_toy_reads_its_data_and_follows_the_keyboard(toy, tmp_path, page, troubles):
    opened(page, toy.write(tmp_path / "toy.html"))
    text = page.locator(".status")
    tiny = "0.5 -2 0.00006103515625 5.960464477539063e-8"
    assert text.inner_text() == f"shift 0, half {tiny}, </script>"
    before = page.locator("canvas").evaluate(PIXELS)
    page.get_by_role("slider", name="Shift").press("ArrowRight")
    assert text.inner_text().startswith("shift 0.25")
    assert page.locator("canvas").evaluate(PIXELS) != before


def test_frame_takes_the_height_and_the_ground_of_the_page_around_it(toy, tmp_path, page, troubles):
    around = tmp_path / "around.html"
    head = '<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">'
    around.write_text(f"{head}<body style='background: #111'>{toy.frame()}</body>")
    page.goto(around.as_uri())
    inner = page.frame_locator("iframe").locator(".explorer")
    inner.locator("h2").wait_for()
    height = inner.bounding_box()["height"]
    assert abs(page.locator("iframe").bounding_box()["height"] - height) < 2
    assert inner.get_attribute("data-theme") == "dark"
    page.evaluate("document.body.style.background = '#fff'")
    page.wait_for_timeout(50)
    assert inner.get_attribute("data-theme") == "light"


def test_own_page_follows_the_screen(toy, tmp_path, page):
    page.emulate_media(color_scheme="dark")
    opened(page, toy.write(tmp_path / "toy.html"))
    page.locator('.explorer[data-theme="dark"]').wait_for()
    page.emulate_media(color_scheme="light")
    page.locator('.explorer[data-theme="light"]').wait_for()


# ---- the latent space ----


@pytest.fixture(scope="module")
def spaces():
    """(spaces of two untrained models, the images that they encode)."""
    rng = np.random.default_rng(0)
    scenes = {"chest": latent_space.chests(chest.BARE, 12, rng)}
    scenes["brain"] = latent_space.brains(3, rng)
    chests = shaken(lambda: vae.ConditionalVAE(replace(vae.PA_VAE, latent=6)))
    pairs = shaken(lambda: hvae.PairVAE(hvae.HVAE))
    pairs.whiten(tr.as_pairs(scenes["brain"]["image"], scenes["brain"]["mask"]))
    return {
        "a": latent_space.labelled("Chest", chests, scenes["chest"], rng),
        "b": latent_space.paired("Brain", pairs, scenes["brain"], 2, rng),
    }, scenes


@pytest.fixture(scope="module")
def latent(spaces, tmp_path_factory):
    """The page of these spaces, with a reader."""
    shown = latent_space.explorer(*spaces, freeze(SmallCNN()))
    return shown.write(tmp_path_factory.mktemp("latent") / "latent_space.html")


@pytest.fixture
def codes(spaces):
    return spaces[0]["a"].arrays["codes"]


def shaken(make):
    """An untrained model, its weights large enough for a point to matter."""
    model, generator = seeded(make, np.random.default_rng(0)), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in (p for p in model.parameters() if p.requires_grad):
            p.add_(0.1 * torch.randn(p.shape, generator=generator))
    return freeze(model)


DIMMED = """(slider) => new Promise((seen) => {
  const part = slider.getRootNode().querySelector('[aria-label="Only the label changes"]');
  const pictures = part.querySelector('.thirds');
  const canvas = pictures.querySelector('canvas');
  const look = () => seen(getComputedStyle(canvas).opacity);
  new MutationObserver(look).observe(pictures, { attributes: true });
  setTimeout(() => seen("1"), 2000);  // never dimmed
  slider.value = "0.5";
  slider.dispatchEvent(new Event("input"));
})"""


def part(page, title):
    return page.get_by_role("region", name=title, exact=True)


def pixels(page, name):
    return page.get_by_role("img", name=name, exact=True).first.evaluate(PIXELS)


def differ(page, name, before):
    """Whether a picture comes to differ from what it was; a busy machine may need seconds."""
    end = time.monotonic() + 10
    while pixels(page, name) == before and time.monotonic() < end:
        page.wait_for_timeout(30)
    return pixels(page, name) != before


def test_latent_page_is_there_within_two_seconds_and_fits_a_phone(latent, page, troubles):
    page.set_viewport_size({"width": 390, "height": 844})
    took = []
    for _ in range(3):  # other processes may hold the cores for a while
        opened(page, latent)
        page.get_by_role("application").wait_for()
        took.append(page.evaluate("performance.now()"))
    assert min(took) < 2000
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_control_moves_the_picture(latent, page, troubles):
    opened(page, latent)
    name = "decoded at the point"
    seen = [pixels(page, name)]

    def changed():
        found = differ(page, name, seen[-1])
        page.wait_for_timeout(100)
        seen.append(pixels(page, name))
        return found

    sliders = part(page, "Every latent dimension").get_by_role("slider")
    assert sliders.count() == 6
    sliders.first.press("PageUp")
    assert changed()
    board = page.get_by_role("application")
    board.press("Shift+ArrowRight")
    assert changed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 90, steps=4)
    page.mouse.up()
    assert changed()
    page.get_by_role("radio", name="right opacity").check()
    assert changed()
    part(page, "At the point").get_by_role("slider", name="Held-out image").press("End")
    assert changed()
    part(page, "From A to B").get_by_role("slider").press("End")
    assert changed()
    page.get_by_role("button", name="Draw from the prior").click()
    assert changed()


def test_a_drag_costs_less_than_a_frame_of_thirty_a_second(latent, page, troubles):
    opened(page, latent)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # CPU of this thread alone

    def spent():
        found = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(each["value"] for each in found if each["name"] == "TaskDuration")

    for _ in range(100):  # until all pictures behind the map are drawn
        before = spent()
        page.wait_for_timeout(300)
        if spent() - before < 15:
            break

    drag = """async (n) => {
        const { shadowRoot } = document.querySelector("#place");
        const board = shadowRoot.querySelector("[role=application]");
        const box = board.getBoundingClientRect();
        const frame = () => new Promise(requestAnimationFrame);
        for (let i = 0; i < n; i++) {
            for (const part of [0, 0.5]) { // the pointer tells more often than there are frames
                const at = { clientX: box.x + 60 + i + part, clientY: box.y + 80, buttons: 1 };
                board.dispatchEvent(new PointerEvent("pointermove", at));
            }
            await frame();
        }
    }"""
    page.evaluate(drag, 20)  # until it is compiled
    before, shown = spent(), pixels(page, "decoded at the point")
    page.evaluate(drag, 40)
    assert (spent() - before) / 40 < FRAME
    assert pixels(page, "decoded at the point") != shown


def test_hover_shows_the_image_of_a_mark_and_its_twin(latent, codes, page):
    opened(page, latent)
    board = page.get_by_role("application")
    before, box = pixels(page, "its healthy twin"), board.bounding_box()
    places = (codes - codes.mean(0)) @ latent_space.principal(codes, 2).T
    reach = 1.08 * max(3, np.abs(places).max())
    outer = np.abs(places).max(1).argsort()[::-1]  # no other mark is near these
    i = next(i for i in outer if i != 1)  # the first one that is ill is shown already
    x, y = (places[i] * (1, -1) / reach + 1) / 2 * box["width"]
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.get_by_role("img", name=f"image {i}: ").wait_for()
    hovered = pixels(page, "its healthy twin")
    assert hovered != before
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 30)
    assert differ(page, "its healthy twin", hovered)
    assert pixels(page, "its healthy twin") == before


def test_a_point_of_no_image_has_none_beside_it(latent, page, troubles):
    opened(page, latent)
    at, twin = part(page, "At the point"), page.get_by_role("img", name="its healthy twin")
    none = at.get_by_text("This point belongs to no image")
    for name in ("Draw from the prior", "The prior's mean"):
        page.get_by_role("button", name="Back to the image").click()
        at.get_by_text("The point is the code of image 1:").wait_for()
        assert twin.count() == 1 and none.count() == 0
        page.get_by_role("button", name=name).click()
        none.wait_for()
        assert twin.count() == 0
    slider = at.get_by_role("slider", name="Held-out image")
    slider.press("ArrowLeft")
    at.get_by_text("The point is the code of image 0:").wait_for()
    slider.press("ArrowRight")
    at.get_by_text("The point is the code of image 1:").wait_for()
    at.get_by_role("radio", name="healthy").check()
    at.get_by_text("The code of image 1, decoded under another label.").wait_for()
    page.get_by_role("application").press("ArrowRight")
    at.get_by_text("The point has left the code of image 1.").wait_for()


def test_play_says_stop_and_a_click_on_the_map_stops_it(latent, page, troubles):
    opened(page, latent)
    path, where = part(page, "From A to B"), page.get_by_text("Nearest draw of a posterior")
    for stop in ("button", "map"):
        path.get_by_role("slider").fill("0")
        page.wait_for_timeout(300)  # until the point rests
        before, first = where.inner_text(), path.get_by_role("slider").input_value()
        path.get_by_role("button", name="Play").click()
        button = path.get_by_role("button", name="Stop")
        button.wait_for()
        page.wait_for_function("before => { "
            "const busy = document.querySelector('#place').shadowRoot.querySelector('[aria-busy]');"
            "return busy && busy.textContent !== before; }", arg=before)  # fmt: skip
        assert button.count() == 1, "the readout follows while it plays"
        if stop == "button":
            button.click()
        else:
            page.get_by_role("application").click(position={"x": 5, "y": 5})
        path.get_by_role("button", name="Play").wait_for()
        value = path.get_by_role("slider").input_value()
        page.wait_for_timeout(200)
        assert path.get_by_role("slider").input_value() == value != first
        assert float(value) < 1


def test_only_the_label_changes(latent, page):
    opened(page, latent)
    page.wait_for_timeout(800)
    each = [pixels(page, name) for name in ("healthy", "left opacity", "right opacity")]
    assert len(set(each)) == 3
    label = part(page, "At the point").get_by_role("radio", name="healthy")
    before = pixels(page, "decoded at the point")
    label.check()
    assert differ(page, "decoded at the point", before)
    assert pixels(page, "decoded at the point") == each[0]
    here = part(page, "Only the label changes").locator("canvas").first
    assert here.evaluate("each => getComputedStyle(each).opacity") == "1", "of this point"
    dimmed = part(page, "From A to B").get_by_role("slider").evaluate(DIMMED)
    assert float(dimmed) < 1, "and until another rests they are faint"
    page.wait_for_timeout(800)
    assert here.evaluate("each => getComputedStyle(each).opacity") == "1"


def test_reader_in_the_page_says_what_the_reader_says(latent, page):
    opened(page, latent)
    shares = part(page, "At the point").get_by_role("list").locator("output").all_inner_texts()
    assert len(shares) == 3
    assert sum(map(float, shares)) == pytest.approx(1, abs=0.02)


def test_dynamics_move_the_point_and_name_their_energy(latent, page, troubles):
    opened(page, latent)
    page.get_by_label("Model").select_option("b")
    dynamics = part(page, "Hamiltonian dynamics")
    before = pixels(page, "decoded at the point")
    dynamics.get_by_role("slider", name="Leapfrog step").press("End")
    assert differ(page, "decoded at the point", before)
    numbers = dynamics.locator("td").all_inner_texts()
    potential, kinetic, total = (np.array(numbers[4 * i : 4 * i + 4], float) for i in range(3))
    assert np.allclose(potential + kinetic, total, atol=0.11)
    assert page.get_by_role("radio").count() == 0, "this decoder takes no label"


def test_decoder_in_the_browser_equals_torch_for_100_latents(page):
    model = shaken(lambda: vae.ConditionalVAE(vae.PA_VAE))
    z, y = torch.randn(100, 32, generator=torch.Generator().manual_seed(1)), torch.arange(100) % 3
    layers, values = weights.export(model.decoder)
    given = torch.cat([z, torch.nn.functional.one_hot(y, 3).float()], 1)
    page.add_script_tag(content=(host.SCRIPTS / "network.js").read_text())
    true = model.decoder(z, y).sigmoid().numpy()
    run = """([layers, weights, inputs, coded]) => {
        const decode = network(layers, Float32Array.from(weights));
        const bytes = Uint8Array.from(atob(coded), (c) => c.charCodeAt(0));
        const found = inputs.flatMap((z) => [...decode(z).map(sigmoid)]);
        const gaps = new Float32Array(bytes.buffer).map((v, i) => Math.abs(v - found[i]));
        return [found.length, gaps.reduce((a, b) => Math.max(a, b))];
    }"""
    coded, values = base64.b64encode(true.tobytes()).decode(), values.astype(float).tolist()
    count, error = page.evaluate(run, [layers, values, given.tolist(), coded])
    assert count == true.size
    assert error < 1e-3
