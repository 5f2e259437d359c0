"""One file per paper: its arms and studies, its own numbers, and how a study becomes rows."""
