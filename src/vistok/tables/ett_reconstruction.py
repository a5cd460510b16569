"""The table of ETT's reconstructions, which is not in the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.grid.ett import RECONSTRUCTION
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.reading import read_json
from vistok.tables.ett import COMMAND, LLM, why_absent
from vistok.tables.pairs import by_image_of
from vistok.tables.report import Origin, Row, TableReport
from vistok.tables.values import Cell, Column

CAPTION: Final = "what the tokenizer of ETT leaves of images, and what is still found in them."
_LABEL: Final = "Picture"
_ROWS: Final = {
    "ibq": "IBQ's reconstruction",
    "ibq-longer": "IBQ, trained as long as tuning takes",
    "embedding-tuned": "IBQ tuned, weight 0.25",
    "embedding-tuned-alone": "IBQ tuned, by answers alone",
    "embedding-tuned-half": "IBQ tuned, weight 0.5",
    "embedding-tuned-whole": "IBQ tuned, weight 1.0",
    "patch-means": "the mean colour of each code's patch",
    "true": "the images themselves",
}


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A column: its key in the record, its header, its unit and its number of decimals."""

    key: str
    title: str
    metric: str
    decimals: int


_COLUMNS: Final = (
    _Quantity("psnr", "PSNR", "dB", 1),
    _Quantity("ssim", "SSIM", "at most 1", 3),
    _Quantity("rfid", "rFID", "Fréchet distance", 2),
    _Quantity("found", "Objects", "% found", 1),
    _Quantity("found_large", "Large", "% found", 1),
    _Quantity("found_small", "Small", "% found", 1),
    _Quantity("colour", "Colours", "% right", 1),
    _Quantity("use", "Codes", "% in use", 1),
    _Quantity("perplexity", "Perplexity", "codes", 0),
    _Quantity("coco-oc", "COCO-OC", "% right", 1),
    _Quantity("coco-mci", "COCO-MCI", "% right", 1),
    _Quantity("probe", "Probe", "% of boxes", 1),
)
# Rows of which the first less the second is told: what reconstruction does to answers, and tuning to that.
_PAIRS: Final = (
    ("ibq", "true"),
    ("ibq-longer", "true"),
    ("embedding-tuned", "true"),
    ("embedding-tuned", "ibq"),
    ("embedding-tuned", "ibq-longer"),
    ("patch-means", "true"),
)


def assemble_reconstruction(study: Study, record: Path | None) -> TableReport:
    """Returns the table.

    Args:
        study: whose results it shows.
        record: the file that the step `reconstruct` wrote; None if the scale has none.

    Raises:
        VistokError: the record is missing.
    """
    content: Mapping[str, Any] = read_json(record, what="reconstruction") if record else {}
    rows, protocol = content.get("rows", {}), content.get("protocol")
    places = {name: place for place, name in enumerate(_ROWS)}
    measured = {key for row in rows.values() for key in row}
    quantities = [quantity for quantity in _COLUMNS if quantity.key in measured or not rows]
    return TableReport(
        id=RECONSTRUCTION,
        number=0,
        caption=CAPTION,
        results=study.results_id,
        labels=(_LABEL,),
        main_label=0,
        columns=tuple(_column(quantity, rows, protocol) for quantity in quantities),
        rows=tuple(_row(study, name, title, quantities, rows.get(name)) for name, title in _ROWS.items()),
        baselines=(),
        origin=Origin(study.scale.id, study.split, study.models_study.scale.id, False, True, COMMAND),
        paper="ett",
        pairs=tuple((places[first], places[second]) for first, second in _PAIRS) if rows else (),
    )


def _column(quantity: _Quantity, rows: Mapping[str, Any], protocol: Mapping[str, Any] | None) -> Column:
    count = rows.get("ibq", {}).get(quantity.key, {}).get("n")
    meanings = (
        {"ours": _meaning(quantity.key, protocol)} if protocol and _meaning(quantity.key, protocol) else {}
    )
    return Column(
        quantity.key,
        quantity.title,
        quantity.metric,
        "",
        meanings,
        quantity.decimals,
        n=count,
        of=count,
        printed=False,
    )


def _meaning(key: str, protocol: Mapping[str, Any]) -> str:
    digest = protocol["features_digest"][:12]
    of_pixels = {
        "psnr": f"peak signal-to-noise ratio of each image, their mean; crop: {protocol['crop']}",
        "ssim": "Wang et al. 2004, a Gaussian window of 11 pixels, the mean over colours",
    }
    if "photographs" in protocol:
        return (of_pixels | _of_photographs(protocol, digest)).get(key, "")
    accuracies = protocol["told"]
    return of_pixels.get(key, "") or {
        "rfid": f"of {protocol['images']} images against {protocol['reference']}, by the last map of a net of this "
        f"scale (digest {digest}) that neither taught the tokenizer nor judges it; in the last row as many true "
        f"images of {protocol['floor_set']} stand in the pictures' place",
        "found": "objects whose category a judge reads in their cell; of held-out true images of its sets it read "
        f"{accuracies['judge']:.1f} %. Large: a box of at least half a cell",
        "coco-oc": f"answers of {protocol['reader']} to the study's questions about the pictures, which it was not "
        "trained on; of the images themselves they are the study's own cell. COCO-MCI: the same",
        "probe": "boxes whose category a ridge classifier names from the tokens of that run's tokenizer, fitted on "
        "other pictures of the same row; its interval is 1.96 standard errors of a jackknife over images to each side",
        "use": "codes that occur in these images; perplexity: over how many they are spread",
    }.get(key, "")


def _of_photographs(protocol: Mapping[str, Any], digest: str) -> dict[str, str]:
    absent, broken = protocol["absent"], len(protocol["left_out"])
    missing = f" ({absent} were absent, {broken} broken)" if absent or broken else ""
    return {
        "rfid": f"of {protocol['images']} photographs of {protocol['photographs']}{missing} against "
        f"{protocol['reference']}, by {protocol['features']} (digest {digest}), pixels not rounded, as IBQ's authors "
        f"measure it; in the last row {protocol['floor']}, which are half as many",
        "use": "codes that occur in these photographs; perplexity: over how many they are spread",
    }


def _row(
    study: Study,
    name: str,
    title: str,
    quantities: Sequence[_Quantity],
    measured: Mapping[str, Any] | None,
) -> Row:
    run = Run(tokenizer=name, recipe=RECONSTRUCTION, llm=LLM, seed=0)
    return Row(
        labels=(title,),
        subjects=(run,),
        cells=tuple(_cell(study, quantity, measured) for quantity in quantities),
    )


def _cell(study: Study, quantity: _Quantity, measured: Mapping[str, Any] | None) -> Cell:
    if measured is None:
        return Cell(quantity.decimals, left_out=why_absent(study))
    metric = measured.get(quantity.key)
    if metric is None:
        return Cell(quantity.decimals)
    return Cell(
        quantity.decimals,
        ours=metric["value"],
        low=metric["low"],
        high=metric["high"],
        n=metric["n"],
        of=metric["n"],
        by_image=by_image_of([(told["sums"], told["counts"])]) if (told := metric.get("by_image")) else None,
    )
