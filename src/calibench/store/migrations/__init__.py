"""How the tables came to be as they are: one revision a change, for alembic."""
