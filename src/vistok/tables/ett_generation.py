"""The table of images that prompts ask for, which is not in the paper: its prompts are of this study's world."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vistok.grid.ett import GENERATION, PROMPT_SETS, PUBLISHED_SET
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.reading import read_json
from vistok.tables.ett import COMMAND, LLM, why_absent
from vistok.tables.report import Origin, Row, TableReport
from vistok.tables.values import Cell, Column

CAPTION: Final = "images that prompts ask for, by a judge of what they show."
_LABELS: Final = ("Image", "Prompts")
ROWS: Final = {
    "retrieval": "Blind: the image whose caption is nearest",
    "random": "Any image",
    "true": "True images of the prompt",
    "true-ibq": "Ceiling: true images through IBQ",
    "true-ibq-longer": "Ceiling: through IBQ trained as long as tuning takes",
    "true-embedding-tuned": "Ceiling: through IBQ tuned, weight 0.25",
    "ibq-codes/index-frozen": "Drawn: index, frozen",
    "ibq-codes/index-frozen/guided": "Drawn: index, frozen; guided",
    "ibq/embedding-frozen": "Drawn: embedding, frozen",
    "ibq/embedding-frozen/guided": "Drawn: embedding, frozen; guided",
    "ibq-longer/embedding-frozen": "Drawn: embedding, frozen, trained as long",
    "ibq-longer/embedding-frozen/guided": "Drawn: embedding, frozen, trained as long; guided",
    "ibq/embedding-tuned": "Drawn: embedding, tuned",
    "ibq/embedding-tuned/guided": "Drawn: embedding, tuned; guided",
}
_COLUMNS: Final = {
    "single_object": "One object",
    "two_object": "Two objects",
    "counting": "Counting",
    "colors": "Colours",
    "position": "Position",
    "color_attr": "Binding",
    "mean": "Mean",
    "more": "Above retrieval",
}


def assemble_generation(study: Study, record: Path | None) -> TableReport:
    """Returns the table.

    Args:
        study: whose results it shows.
        record: the file that the step `generate` wrote; None if the scale has none.

    Raises:
        VistokError: the record is missing.
    """
    content: Mapping[str, Any] = read_json(record, what="generation") if record else {}
    published = PUBLISHED_SET in content.get("protocol", {}).get("prompts", {})
    shown = {name: title for name, title in ROWS.items() if not content or name in content["rows"]}
    return TableReport(
        id=GENERATION,
        number=0,
        caption=CAPTION,
        results=study.results_id,
        labels=_LABELS,
        main_label=0,
        columns=tuple(_column(kind, title, content) for kind, title in _COLUMNS.items()),
        rows=tuple(
            _row(study, name, title, prompts, content)
            for name, title in shown.items()
            for prompts in ((PUBLISHED_SET,) if published else PROMPT_SETS)
        ),
        baselines=(),
        origin=Origin(study.scale.id, study.split, study.models_study.scale.id, False, True, COMMAND),
        paper="ett",
    )


def _column(kind: str, title: str, content: Mapping[str, Any]) -> Column:
    meaning = _meaning(kind, content) if content else ""
    return Column(
        kind, title, "% of images", "", {"ours": meaning} if meaning else {}, decimals=1, printed=False
    )


def _meaning(kind: str, content: Mapping[str, Any]) -> str:
    protocol = content["protocol"]
    if kind == "more":
        return "the mean less that of the blind row, prompt by prompt, and the interval of this difference"
    if PUBLISHED_SET in protocol["prompts"]:
        return _published(kind, protocol)
    if kind != "mean":
        judge = content["judge"][kind]
        return (
            f"the judge is right about {judge['shown']:.1f} % of {judge['n']} true images that show their prompt, and "
            f"about {judge['near']:.1f} % of as many that show all but one thing"
        )
    counts = ", ".join(f"{count} {name}" for name, count in protocol["prompts"].items())
    return (
        f"of the six kinds, each by GenEval's rule; {counts} prompts. No image to learn from has what a held-out "
        "prompt asks for, but for prompts of one object, of which nothing is held out. Judge: a net of this scale "
        f"(digest {protocol['judge_digest'][:12]}) that reads each cell"
    )


def _published(kind: str, protocol: Mapping[str, Any]) -> str:
    if kind != "mean":
        return ""
    own = "" if protocol["official_prompts"] else ", which are not GenEval's own 553"
    return (
        f"of the six kinds, each by GenEval's rule: {protocol['prompts'][PUBLISHED_SET]} prompts of {protocol['file']}"
        f"{own}, {protocol['images']} images each, drawn with guidance {protocol['guidance']:g}. Seen by "
        f"{protocol['detector']} and {protocol['clip']} (digest {protocol['judge_digest'][:12]}), which are not the "
        f"official detector's weights. Retrieved: of {protocol['pairs']} images that whose caption shares most words"
    )


def _row(study: Study, name: str, title: str, prompts: str, content: Mapping[str, Any]) -> Row:
    measured = content["rows"][name][prompts] if content else None
    run = Run(tokenizer=name.replace("/", "-"), recipe=GENERATION, llm=LLM, seed=0)
    return Row(
        labels=(title, prompts),
        subjects=(run,),
        cells=tuple(_cell(study, kind, measured) for kind in _COLUMNS),
    )


def _cell(study: Study, kind: str, measured: Mapping[str, Any] | None) -> Cell:
    if measured is None:
        return Cell(1, left_out=why_absent(study))
    score = measured[kind]
    return Cell(1, ours=score["value"], low=score["low"], high=score["high"], n=score["n"], of=score["n"])
