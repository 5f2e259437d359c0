"""The chapters in their order, and the table behind a notebook."""

import importlib

from lib.papers.controlnet.about import ABOUT as CONTROLNET
from lib.papers.dhvae.about import ABOUT as DHVAE
from lib.papers.pathosyn.about import ABOUT as PATHOSYN
from lib.papers.pavae.about import ABOUT as PAVAE
from lib.papers.table import Table

PAPERS = {about.name: about for about in (PAVAE, PATHOSYN, CONTROLNET, DHVAE)}


def table(item: str) -> Table | None:
    """The table of a notebook ("pavae/table4_main"); None for one that needs no jobs.

    Loads what the chapter's studies need, torch included.
    """
    paper, _, stem = item.rpartition("/")
    if paper not in PAPERS:
        return None
    return importlib.import_module(f"lib.papers.{paper}.tables").TABLES.get(stem)
