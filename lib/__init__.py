"""Known Truth: four papers on synthetic medical images, rerun where the truth is known.

Rooms, from the ground floor up; a room imports only from rooms below it: paths, files; machine,
profiles; jobs; record; phantoms; datasets; networks, metrics; training; tasks; generators;
controls; scores; papers; claims; report, explore; and on top the runner behind run_all.sh.
"""
