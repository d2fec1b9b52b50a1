"""Colours that people with any colour vision tell apart.

Okabe and Ito, "Color Universal Design", 2008; lifetimes in cividis (Nunez, Anderton and Renslow,
PLOS ONE 13(7), 2018). Colour never stands alone: words, positions and hatches say the same.
"""

from __future__ import annotations

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#888888"

KINDS = {"input": SKY, "weight": ORANGE, "intermediate": GREEN, "output": PURPLE}
ROWS = {"compute": BLUE, "stalls": VERMILION, "loads": SKY, "stores": ORANGE}
CAUSES = {
    "compulsory_read": GREY,
    "compulsory_write": "#B5B5B5",
    "reload": SKY,
    "spill_store": ORANGE,
    "direct_read": BLUE,
    "direct_write": PURPLE,
}
CIVIDIS = ("#00204C", "#31446B", "#666870", "#958F78", "#CBBA69", "#FFE945")  # short to long
