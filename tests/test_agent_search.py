"""The agent's searches and whole games, on games whose best play is known."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from cosmalloc.rl_agent.actor import Brain, Mode, Played, Playing, play, player
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.tree import NEVER, Gumbel, Leaf, Tree, halving
from tests.agent_games import SIZES, Signs, graphs

pytestmark = pytest.mark.usefixtures("quick_compilation")


def brain(count: int, seed: int = 0) -> Brain:
    return Brain(Network(SIZES, jax.random.key(seed)), graphs(count))


def test_half_of_the_moves_go_on_after_each_round() -> None:
    assert halving(4, 16) == [0] * 4 + [1] * 4 + [2] * 2 + [3] * 2 + [4] * 2 + [5] * 2
    assert halving(1, 3) == [0, 1, 2]
    assert halving(3, 2) == [0, 0]


def test_search_finds_the_move_that_a_bad_prior_hides() -> None:
    logits = np.array([[3.0, 0.0, NEVER]])
    root = Leaf(logits, np.zeros(1), np.zeros(1), np.zeros(1, bool))
    tree = Tree(root, Gumbel(simulations=6, scale=0.0), np.random.default_rng(0))
    for _ in range(6):
        node, move = tree.leaves()
        reward = np.where((node == 0) & (move == 1), 5.0, 0.0)
        tree.grow(node, move, Leaf(logits, np.zeros(1), reward, np.ones(1, bool)))
    moves, policy, value = tree.answer()
    assert moves.tolist() == [1]
    assert policy[0, 1] > 0.9
    assert policy[0, 2] == 0
    assert 0 < value[0] < 5


def test_a_move_that_is_not_legal_is_never_tried() -> None:
    logits = np.array([[0.0, NEVER, NEVER], [NEVER, 0.0, 0.0]])
    root = Leaf(logits, np.zeros(2), np.zeros(2), np.zeros(2, bool))
    tree = Tree(root, Gumbel(simulations=5), np.random.default_rng(1))
    for _ in range(5):
        node, move = tree.leaves()
        assert (logits[[0, 1], move] == 0).all()
        tree.grow(node, move, Leaf(logits, np.zeros(2), np.zeros(2), np.zeros(2, bool)))


def test_search_in_the_game_itself_plays_best_with_a_network_that_knows_nothing() -> None:
    arena = Signs(list(range(16)), spare=16)
    how = Playing("game", simulations=16, temperature=0.0)
    played = play(arena, player(arena, brain(16), how, np.random.default_rng(0)))
    assert played is not None
    assert played.score.tolist() == [6.0] * 16
    assert (arena.right == played.moves.T).all()


@pytest.mark.parametrize("mode", ["policy", "model", "game"])
def test_recorded_games_hold_what_was_played(mode: Mode) -> None:
    arena = Signs([3, 4, 5], length=5, spare=4)
    how = Playing(mode, simulations=4)
    played = play(arena, player(arena, brain(6), how, np.random.default_rng(0)), record=True)
    assert played is not None
    for game, episode in enumerate(played.episodes):
        assert episode.program == 3 + game
        assert episode.rewards.sum() == played.score[game]
        assert (episode.moves == played.moves[:, game]).all()
        assert episode.legal[np.arange(5), episode.moves].all()
        assert np.allclose(episode.policy.sum(1), 1, atol=1e-5)
        assert (episode.policy[~episode.legal] == 0).all()


def test_the_same_dice_play_the_same_games() -> None:
    def once() -> Played | None:
        arena = Signs([1, 2])
        return play(arena, player(arena, brain(3), Playing(), np.random.default_rng(7)))

    first, second = once(), once()
    assert first is not None
    assert second is not None
    assert (first.moves == second.moves).all()
