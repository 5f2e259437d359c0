"""dHVAE (image and mask together): `STUDIES` says which jobs every notebook needs."""

from lib.papers.dhvae import printed, tables
from lib.papers.dhvae.study import NAMES, Study, studies

__all__ = ["NAMES", "STUDIES", "Study", "printed", "studies", "tables"]

STUDIES = {
    "02_background": tables.background_jobs,
    "03_method": tables.method_jobs,
    "04_2d_or_3d": tables.dimension_jobs,
    "table1_beta": tables.table1_jobs,
    "table2_generators": tables.table2_jobs,
    "table3_masks": tables.table3_jobs,
    "table4_augmentation": tables.table4_jobs,
    "table5_volumes": tables.table5_jobs,
    "table6_architectures": tables.table6_jobs,
}
