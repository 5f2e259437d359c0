"""Known Truth: four papers on synthetic medical images, rerun where the truth is known.

Rooms, from the ground floor up; a room imports only from rooms below it:
paths, profiles, closure, jobs, record; phantoms; datasets; networks; generators, tasks; metrics;
papers; claims, plots, explore, report; and on top `run`, the runner behind run_all.sh.
"""
