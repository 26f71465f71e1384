"""How buttons look: one that leads on, one beside it, one among words."""

FILLED = 'no-caps unelevated padding="4px 14px"'
OUTLINE = 'no-caps outline padding="4px 14px"'
FLAT = 'no-caps flat padding="4px 10px"'
