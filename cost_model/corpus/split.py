"""Which source models train, choose (validation) and test the cost model.

Whole families are held out: of a family in `TEST` or `FRESH` no kernel is trained on, and a kernel
of another family that is the same, letter for letter, is taken out of the training, too. The test's
errors were looked at while the model was made; those of families in `FRESH` not before it was done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

Split: TypeAlias = "Literal['train', 'valid', 'test', 'fresh']"

_TEST_GENERATED = (
    *("convnext", "decode", "densenet", "detector", "dlrm", "gpt", "gru", "inception"),
    *("quantised_mobile", "train_mixer", "train_squeezenet", "unet"),
)
_TEST_EXAMPLES = (
    *("bert_base", "decode_step", "deeplabv3_resnet50", "densenet121", "gpt2_small"),
    *("lraspp_mobilenet_v3", "pnasnet5_mobile", "s3d"),
)
SPLITS: tuple[Split, ...] = ("test", "fresh", "valid", "train")  # who keeps a kernel of several
TEST = frozenset((*_TEST_GENERATED, *_TEST_EXAMPLES))
FRESH = frozenset(
    (
        *("gmlp", "mobilevit", "nbeats", "regnet", "rwkv", "train_regnet", "two_tower"),
        "wavenet",
    )
)
VALID = frozenset(
    (
        *("autoencoder", "pyramid", "quantised_mlp", "temporal", "train_lstm"),
        *("vision_transformer", "resnext50", "vit_b16"),
    )
)


def split_of(family: str) -> Split:
    """The split of a family, or of a model by its name."""
    held: dict[Split, frozenset[str]] = {"test": TEST, "fresh": FRESH, "valid": VALID}
    return next((split for split, families in held.items() if family in families), "train")


def without_leaks(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `digest` and `split`, each kernel once: in the test if it is in any test model,
    else in the fresh one, else in the validation if it is in one of its models."""
    rank = {split: place for place, split in enumerate(SPLITS)}
    kept: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = kept.get(row["digest"])
        if known is None or rank[row["split"]] < rank[known["split"]]:
            kept[row["digest"]] = row
    return list(kept.values())
