"""One folder per paper: its arms, sizes, tables, printed numbers and departures from the paper."""
