# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Rate images: the radiologist's form, and a round of real or phantom
#
# - tell images of your own from phantoms, or sharp phantoms from blurred ones;
# - score images in sets of four, from 0 to 5, as the readers of the fourth paper did;
# - keep the scores in the file that the chapter on feedback reads;
# - see how far two readers agree, and what a generator could learn from their scores.
#
# Take as long as you like: both forms resume where you stopped. Nothing here shows that a method
# works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
own = ""  # a folder of your own PNG or JPEG images: see the last part
law = "bare"  # of the phantoms that they are mixed with

# %%
import numpy as np
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score

from lib.datasets import ratings
from lib.explore import rate_images, real_or_phantom
from lib.report.page import Page

page = Page("explore/rate_images", profile, seed, dataset)
SETS = 12 if page.meaningful else 3

# %% [markdown]
# ## What the paper did
#
# > approximately 200 sets of four [images, each scored] from 0 to 5
#
# Images were asked for by text (T2I), by a mask (M2I) or by both (TM2I); an image with both has two
# scores. The scores become *preferences*: of two images of a set the one with the higher score wins,
# and equal scores say nothing.
#
# ## Toy: two readers of one set
#
# A set of four, one condition. One reader uses the whole scale, the other only its middle. They agree
# on the order; kappa with quadratic weights,
#
# $$\kappa = 1 - \frac{\sum_i (a_i - b_i)^2 / n}{\sum_{i,j} (a_i - b_j)^2 / n^2},$$
#
# counts the difference in scale; preferences ignore it.

# %%
SCORES = {"ana": (0, 2, 4, 5), "bo": (2, 2, 3, 3)}
HEAD = ",".join(ratings.COLUMNS)
text = "\n".join([HEAD, *(f"{who},0,{image},T2I,{score},"
                          for who, each in SCORES.items() for image, score in enumerate(each))])  # fmt: skip
toy = ratings.parsed(text)
pairs = ratings.pairs(ratings.as_result(toy))
kappa = cohen_kappa_score(*SCORES.values(), weights="quadratic", labels=range(6))
print(f"kappa {kappa:.2f}; {pairs.scores['pairs']['text']} preferences, {pairs.scores['ties']['text']} ties")

# %%
winners = {tuple(pair) for pair in zip(pairs.arrays["winner"], pairs.arrays["loser"], strict=True)}
page.check("no preference of one reader is turned round by the other",
           not any((b, a) in winners for a, b in winners))
page.check("each reader has six pairs", len(pairs.arrays["winner"]) + pairs.scores["ties"]["text"] == 12)

# %% [markdown]
# ## The images
#
# Until images of the fourth paper's generator stand in the record, the form shows **phantoms, three in
# four of them spoilt on purpose**: blurred, with the opacity on the other side, or without it. So a
# reader can be checked: once all are rated, the form says what was done to each.

# %%
given = rate_images.practice(SETS, [seed, 93])
counts = np.bincount(given.arrays["made"], minlength=len(rate_images.MADE))
page.table(["what was done", "images"], [
    [way, int(n)] for way, n in zip(rate_images.MADE, counts, strict=True)
])  # fmt: skip
page.check("every set has one of each", len(set(counts)) == 1)

# %% [markdown]
# ## The form
#
# Names of readers keep their scores apart. Each reader gets the sets, and the images in a set, in another
# order, and nothing on the form says what an image is. In the report, scores are kept by your browser and
# the file can be downloaded; in a live notebook every click is also written to `data/ratings/`.

# %%
form = rate_images.explorer(given, f"practice-{seed}")
form.write()
form

# %% [markdown]
# **What to see.** Sharpness is not adherence: a blurred image can show what was asked for, and the form
# asks for that. Two readers who load each other's file see kappa at once.
#
# ## The file
#
# | column | |
# |---|---|
# | reader | who scored |
# | set, image | whole numbers; images of a set were asked for with one condition |
# | condition | T2I, M2I or TM2I |
# | text_score, mask_score | 0 to 5; empty where the image has no such condition |
#
# ## What a careful reader's file would hold
#
# A reader who scores by the truth: 5 as asked for, 4 if blurred, 0 otherwise.

# %%
BY_TRUTH = dict(zip(rate_images.MADE, (5, 4, 0, 0), strict=True))
rows = []
for image, way in enumerate(given.arrays["made"]):
    kind = ratings.NAMES[given.arrays["condition"][image // ratings.EACH]]
    cells = (BY_TRUTH[rate_images.MADE[way]] if there else "" for there in ratings.CONDITIONS[kind])
    rows.append(f"careful,{image // ratings.EACH},{image},{kind},{','.join(map(str, cells))}")
careful = ratings.parsed("\n".join([HEAD, *rows]))
learnt = ratings.pairs(ratings.as_result(careful)).scores
page.table(["criterion", "preferences", "ties"], [
    [name, learnt["pairs"][name], learnt["ties"][name]] for name in ratings.CRITERIA
])  # fmt: skip

# %% [markdown]
# **What to see.** A third of the sets have both scores. Of six pairs in a set this reader leaves
# one undecided: the two images that are both wrong.

# %%
scored = sum(learnt["pairs"].values()) + sum(learnt["ties"].values())
page.check("a set of four has six pairs by each criterion", scored == 6 * (careful.scores >= 0).sum() / 4)

# %% [markdown]
# ## Real or phantom?
#
# Readers who cannot tell drawn images from real ones are often given as proof of realism. The round
# below asks for an answer and for how sure you are, from 1 (a guess) to 5 (sure):
#
# - **right answers**, with the exact binomial interval of Clopper and Pearson; chance is one half;
# - **AUC of the confidence**: how often an image of the second kind gets a higher signed confidence
#   than one of the first kind, ties counting half; chance is one half again.
#
# A short round shows little. With $n$ images, how many right answers does it take until the interval
# lies above chance, and how often does a reader who is right in 70 % get there?

# %%
lines = []
for n in (10, 20, 40, 80, 160):
    least = next(k for k in range(n + 1) if real_or_phantom.interval(k, n)[0] > 0.5)
    lines.append([n, f"{least} ({least / n:.0%})", f"{binom.sf(least - 1, n, 0.7):.0%}"])
page.table(["images", "right answers that it takes", "how often at 70 %"], lines)
page.check("a guesser gets there in at most 2.5 %",
           all(binom.sf(int(line[1].split()[0]) - 1, line[0], 0.5) <= 0.025 for line in lines))

# %% [markdown]
# **With images of your own**: open this notebook in JupyterLab and set `own` above to a folder of PNG or
# JPEG images, at least 64 pixels a side, and `law` to one of the laws below. As many phantoms are mixed in, and both
# kinds go the same way: a middle square, 64 x 64 pixels, one grey range, 8 bits. Your images stay on
# this machine: they reach no file, and no page of the report, unless you export one with
# `judged.write(file)`. **Without a folder**, and always in the report, a stand-in asks another question
# of phantoms alone: which ones are blurred?

# %%
print("laws:", ", ".join(real_or_phantom.LAWS))
N = 20 if page.meaningful else 4
shown = real_or_phantom.offered(own, law, N, np.random.default_rng([seed, 94]))
name = f"own-{law.replace(' ', '-')}-{seed}" if shown.private else f"stand-in-{seed}"
judged = real_or_phantom.explorer(shown, name)
if not shown.private:
    judged.write()
judged

# %% [markdown]
# **What to see.** Which images you took for the other kind stands below the result: look there for what
# gave the others away. That readers are near chance says that *these readers* saw no difference in
# *these images* at 64 pixels; a network may see one, and so may the next reader.
#
# In JupyterLab each answer is written to `data/ratings/`, one file for a reader (`images.json` beside
# it keeps the names of your files, so that one which is missing later can be named):
#
# | column | |
# |---|---|
# | reader | who answered |
# | image | ten digits of a hash of the image's pixels |
# | answer | one of the two words that the form asks for |
# | confidence | 1 (a guess) to 5 (sure) |
#
# ## What the file says of a reader who measures
#
# A made-up reader looks at one number, the mean step between neighbouring pixels, calls the half with
# the smaller steps the second kind, and is surer the farther an image lies from the median.

# %%
step = np.abs(np.diff(shown.image.astype(float))).mean((1, 2))
place = step.argsort().argsort() / len(step)  # from 0, the smoothest, to 1
confidence = np.ceil(10 * abs(place + 0.5 / len(step) - 0.5)).astype(int)
file = "\n".join([",".join(real_or_phantom.COLUMNS), *(
    f"ruler,{key},{shown.names[int(p < 0.5)]},{sure}"
    for key, p, sure in zip(shown.keys, place, confidence, strict=True))])
reader, answers = real_or_phantom.parsed(file, shown)
found = real_or_phantom.scored(shown, answers)

# %%
low, high = found["interval"]
page.table(["", "ruler", "95 % interval", "chance"], [
    ["right answers", f"{found['right']} of {found['n']}", f"{low:.2f} to {high:.2f}", "0.50"],
    ["AUC of the confidence", f"{found['auc']:.2f}", "", "0.50"],
])  # fmt: skip
page.check("the interval holds the share", low <= found["accuracy"] <= high)
page.check("as many are mistaken as are not right", len(found["mistaken"]) == found["n"] - found["right"])

# %% [markdown]
# ## In this notebook we have
#
# - told two kinds of images apart, or tried to, and seen how many it takes to show it;
# - filled in the form, or begun to;
# - seen the file that results, and which preferences it holds;
# - told agreement in scores from agreement in order.
#
# ## Exercises
#
# **1.** A reader scores a set 3, 3, 3, 3. How many preferences follow from it?

# %%
answer = None  # a whole number
page.exercise(answer, lambda: 0)

# %% [markdown]
# **2.** Ana scores 0 and 5, Bo 5 and 0. What is their kappa with quadratic weights?

# %%
answer = None  # your number
page.exercise(answer, lambda: cohen_kappa_score([0, 5], [5, 0], weights="quadratic"), within=0.01)

# %% [markdown]
# **3.** Fifteen of twenty are right. What is the lower end of the exact 95 % interval (0 to 1)?

# %%
answer = None  # a share
page.exercise(answer, lambda: real_or_phantom.interval(15, 20)[0], within=0.005)

# %%
page.close()
