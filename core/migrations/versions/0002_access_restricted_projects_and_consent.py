"""Access, restricted projects and consent"""

import time

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


TRUE = {"sqlite": "1", "postgresql": "true"}
AUDIT_GUARDS = {
    "sqlite": (
        "CREATE TRIGGER audit_event_is_never_changed BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        "CREATE TRIGGER audit_event_is_never_deleted BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
        "CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
    ),
}


def upgrade() -> None:
    now_ms = int(time.time() * 1000)
    op.create_table('workspace_user',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=True),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('has_privacy', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=True),
    sa.Column('issuer', sa.String(), nullable=True),
    sa.Column('subject', sa.String(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('last_sign_in_at', sa.BigInteger(), nullable=True),
    sa.Column('disabled_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email'),
    sa.UniqueConstraint('issuer', 'subject', name='uq_workspace_user_issuer_subject')
    )
    op.create_table('project_team',
    sa.Column('project_id', sa.String(), nullable=False),
    sa.Column('team_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['team_id'], ['team.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('project_id', 'team_id')
    )
    with op.batch_alter_table('project_team', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_team_team_id'), ['team_id'], unique=False)

    op.create_table('project_user',
    sa.Column('project_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['workspace_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('project_id', 'user_id')
    )
    with op.batch_alter_table('project_user', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_user_user_id'), ['user_id'], unique=False)

    op.create_table('team_member',
    sa.Column('team_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['team_id'], ['team.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['workspace_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('team_id', 'user_id')
    )
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_team_member_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('api_key', schema=None) as batch_op:
        batch_op.add_column(sa.Column('scopes', sa.JSON(), server_default='["admin"]', nullable=False))
        batch_op.add_column(sa.Column('user_id', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('team_id', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('hides_contacts', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('expires_at', sa.BigInteger(), nullable=True))
        batch_op.create_index(batch_op.f('ix_api_key_team_id'), ['team_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_api_key_user_id'), ['user_id'], unique=False)
        batch_op.drop_column('role')

    # no batch mode here: it would make these tables anew, without their triggers
    op.add_column('interview', sa.Column('team_id', sa.String(), nullable=True))
    op.add_column('interview', sa.Column('is_quotable', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('interview', sa.Column('is_shareable', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('interview', sa.Column('keep_until', sa.Date(), nullable=True))
    op.add_column('interview', sa.Column('media_removed_at', sa.BigInteger(), nullable=True))
    op.add_column('interview', sa.Column('withdrawn_at', sa.BigInteger(), nullable=True))
    op.create_index('ix_interview_keep_until', 'interview', ['keep_until'], unique=False)
    op.create_index('ix_interview_team_id', 'interview', ['team_id'], unique=False)

    with op.batch_alter_table('participant', schema=None) as batch_op:
        batch_op.add_column(sa.Column('may_quote', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('may_share', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('keep_until', sa.Date(), nullable=True))

    op.add_column('project', sa.Column('is_restricted', sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table('sign_in_link', schema=None) as batch_op:
        batch_op.add_column(sa.Column('purpose', sa.String(), server_default='sign_in', nullable=False))
        batch_op.add_column(sa.Column('user_id', sa.String(), server_default='usr_local', nullable=False))
        batch_op.create_index(batch_op.f('ix_sign_in_link_user_id'), ['user_id'], unique=False)

    op.create_table('participant_link',
    sa.Column('interview_id', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('confirmed_by', sa.String(), nullable=False),
    sa.Column('confirmed_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ),
    sa.ForeignKeyConstraint(['interview_id'], ['interview.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interview_id', 'person')
    )
    with op.batch_alter_table('participant_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_participant_link_contact_id'), ['contact_id'], unique=False)

    # sessions of the old shape end: what a principal may do is no longer written into them
    op.drop_table("web_session")
    op.create_table(
        "web_session",
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("device", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])
    op.create_index("ix_web_session_principal_id", "web_session", ["principal_id"])

    op.create_table(
        "saved_search",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("looked_seq", sa.Integer(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_saved_search_owner", "saved_search", ["owner"])
    op.create_table(
        "quality_question",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("query"),
    )
    op.create_table(
        "expected_moment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("question_id", sa.String(), nullable=False),
        sa.Column("interview_id", sa.String(), nullable=False),
        sa.Column("first_segment", sa.Integer(), nullable=False),
        sa.Column("last_segment", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["question_id"], ["quality_question.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["interview_id"], ["interview.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_expected_moment_question_id", "expected_moment", ["question_id"])
    op.create_index("ix_expected_moment_interview_id", "expected_moment", ["interview_id"])
    op.create_table(
        "quality_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("recall", sa.Float(), nullable=False),
        sa.Column("ndcg", sa.Float(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_quality_run_at", "quality_run", ["at"])

    op.create_table(
        "withdrawal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("interview_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recording_sha256", sa.String(), nullable=True),
        sa.Column("is_recording_removed", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("interview_id"),
    )
    op.create_index("ix_withdrawal_at", "withdrawal", ["at"])
    op.create_index("ix_withdrawal_recording_sha256", "withdrawal", ["recording_sha256"])
    op.create_table(
        "registry_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("asker", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("head", sa.JSON(), nullable=False),
        sa.Column("import_id", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_registry_job_created_at", "registry_job", ["created_at"])
    op.create_index("ix_registry_job_owner", "registry_job", ["owner", "created_at"])
    op.create_index("ix_registry_job_status", "registry_job", ["status"])
    op.create_table(
        "registry_job_input",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["registry_job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_table(
        "registry_job_part",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("rows", sa.String(), nullable=False),
        sa.Column("rest", sa.JSON(), nullable=False),
        sa.Column("lines", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["registry_job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "start"),
    )
    op.create_table(
        "registry_job_person",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("match_key", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["registry_job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "match_key"),
    )
    op.create_index("ix_registry_job_person_key", "registry_job_person", ["match_key"])
    op.create_table(
        "imported_line",
        sa.Column("import_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("match_key", sa.String(), nullable=True),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["history_import.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("import_id", "line"),
    )
    op.create_index("ix_imported_line_key", "imported_line", ["match_key"])

    for statement in AUDIT_GUARDS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)

    op.execute(
        "INSERT INTO workspace_user (id, name, role, has_privacy, created_at) "
        f"VALUES ('usr_local', 'Administrator', 'administrator', {TRUE[op.get_bind().dialect.name]}, {now_ms})"
    )
