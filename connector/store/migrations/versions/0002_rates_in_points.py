"""rates in points"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("rates", schema=None) as batch_op:
        batch_op.add_column(sa.Column("size", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("per_second", sa.Float(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("rates", schema=None) as batch_op:
        batch_op.drop_column("per_second")
        batch_op.drop_column("size")
