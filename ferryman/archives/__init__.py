"""An archive beside topics: compared by offsets, and offsets of groups translated to what was restored."""
