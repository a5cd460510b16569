"""What a pretraining must show: more of categories than the encoder that it started from, and no collapse."""

from typing import Final

from vistok.probes.prototypes import PrototypeUse
from vistok.probes.values import CellProbe, Estimate

CATEGORY: Final = "category"
_DEVIATIONS: Final = 2.0
_LEAST_RANK: Final = 2.0  # at 1, tokens lie on a line; MAE's lie in 5 directions and tell categories well
_LEAST_PROTOTYPES: Final = 2.0
_LEAST_CERTAINTY: Final = 2.0  # times that of a teacher that does not distinguish images


def gains(probe: CellProbe, untrained: CellProbe) -> dict[str, Estimate]:
    """Returns what pretraining added, over the same boxes: to linear accuracy, and to the share that is category."""
    return {
        "linear": probe.linear - untrained.linear,
        CATEGORY: probe.shares[CATEGORY] - untrained.shares[CATEGORY],
    }


def shortfalls(probe: CellProbe, untrained: CellProbe) -> list[str]:
    """Returns a sentence for each gain that is not above zero by more than twice its standard error."""
    added = gains(probe, untrained)
    measured = {
        "linear": ("a ridge classifier names the category of", "boxes", probe.linear, untrained.linear),
        CATEGORY: ("category is", "the tokens' variance", probe.shares[CATEGORY], untrained.shares[CATEGORY]),
    }
    return [
        f"{verb} {own.value:.1f} % of {what}, and {start.value:.1f} % before any step: a gain of "
        f"{added[name].value:+.1f}, where more than {_DEVIATIONS * added[name].error:.1f} is needed (twice its "
        "standard error)"
        for name, (verb, what, own, start) in measured.items()
        if added[name].value <= _DEVIATIONS * added[name].error
    ]


def collapses(probe: CellProbe, prototypes: PrototypeUse | None = None) -> list[str]:
    """Returns a sentence for each way in which features have collapsed, whatever the loss says."""
    reasons = []
    if probe.rank < _LEAST_RANK:
        reasons.append(
            f"its tokens vary in {probe.rank:.1f} directions, where at least {_LEAST_RANK:.0f} are needed"
        )
    if prototypes:
        reasons += _of_prototypes(prototypes)
    return reasons


def _of_prototypes(use: PrototypeUse) -> list[str]:
    number = f"{use.used} of {use.prototypes} prototypes are used, {use.effective:.1f} in effect"
    if use.certainty < _LEAST_CERTAINTY / use.prototypes:
        return [f"its teacher is sure of no image: {100 * use.certainty:.1f} % for its likeliest prototype"]
    if use.effective < _LEAST_PROTOTYPES:
        return [f"its teacher sends all images to one prototype ({number})"]
    category = use.explained.get(CATEGORY)
    if category and category.is_chance:
        return [f"its prototypes tell nothing of category ({number}): {_listed(use)}"]
    return []


def _listed(use: PrototypeUse) -> str:
    """Returns what prototypes tell, the most first."""
    most = sorted(use.explained.items(), key=lambda entry: -entry[1].value)
    return ", ".join(
        f"{each.value:.0f} % of {name} ({each.shuffled:.0f} % with labels of other images)"
        for name, each in most
    )


def refusal(tokenizer: str, reasons: list[str], objective: str) -> str:
    """Returns what stops a build: what was measured of a tokenizer, and what can be done about it."""
    return (
        f"tokenizer {tokenizer!r} does not show what its pretraining is for: {'; '.join(reasons)}. Change "
        f"`pretraining.{objective}` in the scale's YAML (steps, learning rate, or `options`: what the crops of an "
        "image share, such as its light and its ground, is learnt before categories) or its images. If it cannot be "
        "helped, say why as the entry's `measured_cause` in workflow/grid/tokenizers.yaml: its rows then stand, with "
        "that beside them."
    )
