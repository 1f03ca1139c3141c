"""The stages of an order and the moves between them, as one table."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    NEW = "new"
    IN_REVIEW = "in_review"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    SHIPPED = "shipped"  # everything shippable has left
    COMPLETED = "completed"  # shipped (or digital, or picked up), paid, no open task
    CANCELLED = "cancelled"


# Refunds never change the stage. Nothing leaves a final stage: what happens later is a refund, a return or a task.
MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.NEW: frozenset({Stage.IN_REVIEW, Stage.SHIPPED, Stage.COMPLETED, Stage.CANCELLED}),
    Stage.IN_REVIEW: frozenset({Stage.ON_HOLD, Stage.PROCESSING, Stage.SHIPPED, Stage.COMPLETED, Stage.CANCELLED}),
    Stage.ON_HOLD: frozenset({Stage.IN_REVIEW, Stage.PROCESSING, Stage.SHIPPED, Stage.COMPLETED, Stage.CANCELLED}),
    Stage.PROCESSING: frozenset({Stage.IN_REVIEW, Stage.ON_HOLD, Stage.SHIPPED, Stage.COMPLETED, Stage.CANCELLED}),
    Stage.SHIPPED: frozenset({Stage.COMPLETED}),
    Stage.COMPLETED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

FINAL = frozenset(stage for stage, to in MOVES.items() if not to)
OPEN = frozenset({Stage.NEW, Stage.IN_REVIEW, Stage.ON_HOLD, Stage.PROCESSING})


def may_move(stage: Stage, to: Stage) -> bool:
    """Is this a move of the table? Staying is always allowed."""
    return stage == to or to in MOVES[stage]
