"""Small notebooks that tests run."""

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
steps = 3

# %%
"""
GOOD = """from lib import paths
(paths.HOME / "{mark}").write_text(f"{{profile}} {{seed}} {{steps}}")
"""
BAD = """okay = 1

# %% [markdown]
# Here it breaks.

# %%
fitted = okay / 0
"""
QUICK = {"profile": "quick", "seed": 0}


def add(folder, name, code):
    """Write a notebook of the given code cells."""
    text = HEADER.format(title=f"Title of {name}") + code
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def recorded(seconds, profile="quick", precision="float32"):
    """A page of the record with one draw, of a run that took so long."""
    run = {"seconds": seconds, "precision": precision}
    return {"profile": profile, "rows": [{"draws": {"0/0": (0.5, "", 0)}}], "runs": [run]}
