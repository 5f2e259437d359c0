"""Known Truth: four papers on synthetic medical images, rerun where the truth is known.

Rooms, from the ground floor up; a room imports only from rooms below it:
paths, machine, profiles; jobs; record; phantoms; datasets; networks and metrics (pure functions of
arrays, which know no model); training; tasks; generators; controls; scores (jobs that apply
metrics); papers; claims; report; and on top `runner`, the command behind run_all.sh.
"""
