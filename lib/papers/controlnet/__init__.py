"""ControlNet: chest radiographs from words and outlines, and what more of them buys."""
