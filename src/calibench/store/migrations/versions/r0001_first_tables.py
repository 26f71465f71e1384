"""The first tables: models, datasets, targets, projects, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _models()
    _datasets()
    _targets()
    _projects()
    _jobs()


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("tree", sa.Text()),
        sa.Column("entry", sa.Text()),
        sa.Column("weights", sa.Text()),
        sa.Column("format", sa.Text()),
        sa.Column("is_quantized", sa.Boolean(), nullable=False),
        sa.Column("has_fp16_weights", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("operations", sa.BigInteger(), nullable=False),
        sa.Column("int8_layers", sa.BigInteger(), nullable=False),
        sa.Column("float_layers", sa.BigInteger(), nullable=False),
        sa.Column("multiply_adds", sa.Float()),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("accuracy_settings", sa.Text(), nullable=False),
        sa.Column("are_settings_confirmed", sa.Boolean(), nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("preset", sa.Text()),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        _needs("models", "parent_id", "models"),
        sqlite_autoincrement=True,
    )
    _index("models", "state", "parent_id", "tree")


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("tree", sa.Text()),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("format", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("annotated", sa.Text(), nullable=False),
        sa.Column("has_pictures", sa.Boolean(), nullable=False),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sqlite_autoincrement=True,
    )
    _index("datasets", "state", "tree")


def _targets() -> None:
    op.create_table(
        "targets",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text()),
        sa.Column("checked", MOMENT),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sqlite_autoincrement=True,
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("calibration_dataset_id", sa.BigInteger()),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("ask", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        _needs("projects", "model_id", "models"),
        _needs("projects", "dataset_id", "datasets"),
        _needs("projects", "target_id", "targets"),
        _needs("projects", "parent_id", "projects"),
        sqlite_autoincrement=True,
    )
    _index("projects", "model_id", "dataset_id", "target_id", "parent_id", "is_archived", "result", "job_id")


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("started", MOMENT),
        sa.Column("ended", MOMENT),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("eta_s", sa.Text()),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("project_id", sa.BigInteger()),
        sa.Column("model_id", sa.BigInteger()),
        sa.Column("dataset_id", sa.BigInteger()),
        sa.Column("target_id", sa.BigInteger()),
        sa.Column("retry_of", sa.BigInteger()),
        sa.Column("pid", sa.BigInteger()),
        sa.Column("pid_created", sa.Float()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    _index("jobs", "state", "kind", "project_id", "model_id", "dataset_id")


def _needs(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=f"fk_{table}_{column}", deferrable=True, initially="DEFERRED"
    )


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])
