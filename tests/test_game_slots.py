"""Many games at once, copies of them, what is seen of them, and what is refused."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.game import (
    GAME_VERSION,
    MOVE_NAMES,
    MOVES,
    NO_COPY,
    PICK,
    READY,
    Games,
)
from cosmalloc.rl_agent.observe import (
    CHANNELS,
    OPERATOR,
    POSITION,
    QUEUE,
    USE,
    Observation,
    bucket,
    program_graph,
)
from cosmalloc.rl_agent.programs import FAMILIES, random_program
from cosmalloc.target_file import load_target
from tests.game_play import MODES, Mode, check, legal_moves, play_out
from tests.nets import chain, tangle, with_scratchpad
from tests.small import operator, problem, tensor, toy

TANGLES = [
    with_scratchpad(tangle(20, seed, rule), 130)
    for seed, rule in ((1, "anywhere"), (5, "resident"), (3, "anywhere"))
]
# Moves with the same moves of another plan or another observation: then GAME_VERSION moves, too.
GOLDEN = (3, "6edd236100a3eff4")


def _digest(seen: Observation, game: Games) -> bytes:
    rounded = [np.round(part.astype(np.float64), 2) + 0.0 for part in seen]
    return b"".join([*(part.tobytes() for part in rounded), game.legal().tobytes()])


def test_the_version_moves_when_behaviour_moves() -> None:
    """Plans, masks and observations of fixed games, as a hash."""
    found = hashlib.sha256()
    for objective, order in MODES:
        game = Games(TANGLES, objective=objective, order=order, board=(8, 8), lookahead=4)
        dice = random.Random(0)
        while not game.done().all():
            found.update(_digest(game.observe(), game))
            moves = [dice.choice(legal_moves(game, s) or [0]) for s in range(len(game))]
            game.step(moves)
        found.update(repr([game.plan(slot) for slot in range(len(game))]).encode())
    assert (GAME_VERSION, found.hexdigest()[:16]) == GOLDEN, "raise GAME_VERSION, renew GOLDEN"


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_plays_as_its_games_alone(mode: Mode) -> None:
    objective, order = mode
    batch = Games(TANGLES * 2, objective=objective, order=order)
    dice = [random.Random(slot) for slot in range(len(batch))]
    totals = np.zeros(len(batch))
    while not batch.done().all():
        moves = [dice[s].choice(legal_moves(batch, s) or [0]) for s in range(len(batch))]
        rewards, done = batch.step(moves)
        assert np.array_equal(done, batch.done())
        totals += rewards
    for slot, each in enumerate(batch.problems):
        alone = Games([each], objective=objective, order=order)
        _, total = play_out(alone, random.Random(slot))
        assert alone.plan(0) == batch.plan(slot)
        assert total == totals[slot]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_restored_or_cloned_plays_on_alike(mode: Mode) -> None:
    objective, order = mode
    game = Games([TANGLES[0]] * 3, objective=objective, order=order)
    dice = random.Random(1)
    for _ in range(12):
        game.step([dice.choice(legal_moves(game))], [0])
    saved = game.save([0])
    game.clone_slots([0, 0], [1, 2])
    before = game.observe([0])
    plays = [(play_out(game, random.Random(7), slot), game.plan(slot)) for slot in (0, 1)]
    assert plays[0] == plays[1]
    game.restore(saved)
    assert all(np.array_equal(a, b) for a, b in zip(before, game.observe([0]), strict=True))
    assert (play_out(game, random.Random(7)), game.plan(0)) == plays[0]
    assert all(np.array_equal(a, b) for a, b in zip(before, game.observe([2]), strict=True))


def test_slots_swap_at_once() -> None:
    game = Games([TANGLES[0]] * 2)
    play_out(game, random.Random(0), 0)
    over = game.plan(0)
    game.clone_slots([0, 1], [1, 0])
    assert game.plan(1) == over
    assert game.done().tolist() == [False, True]


def test_a_reset_begins_anew_and_leaves_the_others() -> None:
    game = Games([TANGLES[0]] * 2)
    first = game.observe([0])
    for slot in (0, 1):
        play_out(game, random.Random(0), slot)
    game.reset([0])
    assert game.done().tolist() == [False, True]
    assert all(np.array_equal(a, b) for a, b in zip(first, game.observe([0]), strict=True))
    assert game.moves_made().tolist()[0] == 0


def test_a_game_that_is_over_takes_any_move() -> None:
    game = Games([TANGLES[0]])
    play_out(game, random.Random(0))
    reward, done = game.step([MOVES + 5])
    assert reward.tolist() == [0.0]
    assert done.tolist() == [True]
    assert not game.legal().any()
    assert game.use(0).phase == "over"


@pytest.mark.parametrize("mode", MODES)
def test_what_is_seen_has_the_shapes_and_ranges_that_are_written(mode: Mode) -> None:
    objective, order = mode
    game = Games(TANGLES, objective=objective, order=order, board=(6, 10), lookahead=5)
    dice = random.Random(2)
    while not game.done().all():
        seen = game.observe()
        assert [part.shape for part in seen] == [
            (3, 6, 10, len(CHANNELS)),
            (3, len(QUEUE)),
            (3, 5, len(USE)),
            (3, READY, len(OPERATOR)),
            (3, len(POSITION)),
            (3, 5),
            (3, 5),
            (3, READY),
        ]
        for part in seen[:5]:
            assert part.dtype == np.float32
            assert np.isfinite(part).all()
            assert -16 <= part.min() <= part.max() <= 128
        assert seen.board[..., :3].sum(-1).max() <= 3 + 1e-4
        for slot in range(3):
            _sees_what_is_asked(game, seen, slot)
        game.step([dice.choice(legal_moves(game, s) or [0]) for s in range(3)])


def _sees_what_is_asked(game: Games, seen: Observation, slot: int) -> None:
    use = game.use(slot)
    assert seen.position[slot, 7] == (use.phase == "pick")
    assert seen.position[slot, 8] == (use.phase == "over")
    assert seen.picks[slot].tolist() == game.picks([slot])[0].tolist()
    if use.phase == "use":
        assert (seen.operators[slot, 0], seen.tensors[slot, 0]) == (use.operator, use.tensor)
        assert seen.uses[slot, 0, 1] == (not use.is_result)
    else:
        assert not seen.uses[slot].any()
        assert (seen.tensors[slot] == -1).all()
    legal = game.legal([slot])[0]
    assert ((seen.picks[slot] >= 0) == legal[PICK:]).all()
    if use.phase == "use" and legal[NO_COPY] and not use.is_result:
        assert seen.uses[slot, 0, 5] == 1


def test_the_board_shows_where_the_bytes_are() -> None:
    tensors = [tensor("x", 8, "input"), tensor("y", 8, "intermediate"), tensor("z", 8, "output")]
    nodes = [operator(tensors, [0], [1]), operator(tensors, [1], [2])]
    game = Games([problem(toy(32, "anywhere"), tensors, nodes)], board=(2, 4))
    assert game.observe().board[0, 1, :, 0].tolist() == [0, 0, 0, 0]
    game.step([0])  # x is loaded
    taken = game.observe().board[0, 1, :, 0]
    assert sorted(taken.tolist()) == [0, 0, 0, 1]
    offered = game.observe().board[0, 1, :, 3]
    assert sorted(offered.tolist()) == [0, 0, 0, 1]
    assert int(offered.argmax()) != int(taken.argmax())
    check(game)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_graph_has_a_node_per_operator_and_an_edge_per_read(family: str) -> None:
    program = random_program(family, 1, target=load_target("tpu-v5e"))
    graph = program_graph(program)
    count = len(program.operators)
    assert graph.node_mask.sum() == count
    assert graph.nodes.shape == (bucket(count), 16)
    made = sum(program.producer[t] is not None for o in program.operators for t in o.inputs)
    assert graph.edge_mask.sum() == made
    assert np.isfinite(graph.nodes).all()
    assert np.isfinite(graph.edges).all()
    assert not graph.nodes[count:].any()
    for sender, receiver in zip(graph.senders[:made], graph.receivers[:made], strict=True):
        assert set(program.operators[sender].outputs) & set(program.operators[receiver].inputs)


def test_a_graph_fits_the_sizes_asked_for_or_says_so() -> None:
    assert program_graph(TANGLES[0], nodes=64, edges=256).nodes.shape[0] == 64
    with pytest.raises(InputError, match="don't fit 4 nodes"):
        program_graph(TANGLES[0], nodes=4)


def test_an_illegal_move_is_named_and_nobody_moves() -> None:
    game = Games([TANGLES[0]] * 2)
    legal = legal_moves(game)
    with pytest.raises(InputError, match=r"move 3 \(`pick 0`\) is illegal in slot 1") as caught:
        game.step([legal[0], PICK])
    assert caught.value.hint == f"legal: {', '.join(MOVE_NAMES[move] for move in legal)}"
    assert game.moves_made().tolist()[0] == game.moves_made().tolist()[1]


def test_what_can_t_be_played_is_refused() -> None:
    with pytest.raises(InputError, match="1 moves for 2 slots"):
        Games([TANGLES[0]] * 2).step([0])
    with pytest.raises(InputError, match="slots 2 to 2, there are 2"):
        Games([TANGLES[0]] * 2).legal([2])
    with pytest.raises(InputError, match="play different problems"):
        Games(TANGLES).clone_slot(0, 1)
    with pytest.raises(InputError, match="objective `peak`"):
        Games(TANGLES, objective="peak")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="order `mine`"):
        Games(TANGLES, order="mine")  # type: ignore[arg-type]


def test_an_operator_without_room_is_named() -> None:
    with pytest.raises(InputError, match=r"operator 0 .* bytes on chip at once"):
        Games([with_scratchpad(chain(4), 64)])


def test_a_program_without_seconds_is_played_for_traffic_only() -> None:
    tensors = [tensor("x", 4, "input"), tensor("y", 4, "output")]
    node = operator(tensors, [0], [1])
    bare = Problem(
        "bare", toy(16, "anywhere"), tuple(tensors), (replace(node, compute_seconds=None),)
    )
    assert len(Games([bare], objective="traffic")) == 1
    with pytest.raises(InputError, match="no compute_seconds"):
        Games([bare])
