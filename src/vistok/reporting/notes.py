"""What stands above and under a table in words: what a number means, where it comes from, how to make it again."""

from vistok.grid.load import Study
from vistok.reporting.metrics import rebuild_command
from vistok.reporting.values import AVERAGE, Row, TableReport, number

BEATEN, BAR = "▽", "△"
_PROTOCOLS = {
    "released": "the scorer that the paper's authors released, which the published numbers were made with",
    "official": "the scorer of the data set's own authors",
    "corrected": "the released scorer with its slips corrected",
    "lavis": "the scorer of the LAVIS library",
    "full-set": "document frequencies of the whole reference file",
}


def banner(study: Study, models: Study) -> str:
    """Returns what a reader must know first: that these are no models of the paper, or which split was asked."""
    texts = []
    if models.scale.encoder or models.scale.language_model:
        who = f"Small models that the scale `{models.scale.id}` pretrains itself answer"
        what = "questions about drawn scenes" if study.scale.world else "questions about real photographs"
        texts.append(
            f"These are not the paper's models. {who} {what}. The published numbers stand here to compare the "
            "shape of the study (which rows lead, and in which columns); they are no targets."
        )
    if study.split != "test":
        texts.append(f"These are questions of the split `{study.split}`, not of the test split.")
    return " ".join(texts)


def substitute(study: Study, models: Study, tokenizer: str) -> str:
    """Returns the footnote of a tokenizer whose published weights cannot be had; empty for others."""
    text = study.tokenizer(tokenizer).substitute
    if not text:
        return ""
    own = (
        f". The scale `{models.scale.id}` needs no substitute: it pretrains a tokenizer of its own under the same "
        "supervision"
        if models.pretrains(tokenizer)
        else ""
    )
    return f"The paper's weights were never released: {' '.join(text.split())}{own}."


def notes(study: Study, report: TableReport) -> tuple[str, ...]:
    """Returns the notes of a table, in the order in which they are printed."""
    return (
        *_meaning(report),
        *_protocols(report),
        *_partial(report),
        *_seeds(report),
        *_sources(study, report),
    )


def _meaning(report: TableReport) -> list[str]:
    found = [
        "All values are in per cent. The difference is ours minus published; the interval is the 95 % bootstrap "
        "interval of ours over images.",
        "Best of a column in bold, second best underlined, for ours and for published each over all rows, as "
        "printed.",
        f"{BAR} marks the better blind baseline of a column: answers that never look at the image. {BEATEN} marks "
        "a cell of ours that does not exceed it.",
    ]
    titles = [column.title for column in report.columns if column.task != AVERAGE]
    if len(titles) < len(report.columns):
        found.append(
            f"{report.columns[-1].title} is the mean of {', '.join(titles)}, taken as the paper takes it: CIDEr "
            "counts as one more accuracy. It stands only where all of them do, and has no interval."
            if any(column.metric == "CIDEr" for column in report.columns)
            else f"{report.columns[-1].title} is the mean of {', '.join(titles)}. It has no interval."
        )
    return found


def _protocols(report: TableReport) -> list[str]:
    printed = [
        f"{column.title} {column.metric} ({column.protocol})" for column in report.columns if column.protocol
    ]
    names = dict.fromkeys(protocol for column in report.columns for protocol in column.protocols)
    meanings = [f"{name}: {_PROTOCOLS[name]}" for name in names if name in _PROTOCOLS]
    return [f"Printed: {', '.join(printed)}. {'; '.join(meanings)}." if meanings else f"Printed: {', '.join(printed)}."]


def _partial(report: TableReport) -> list[str]:
    """Returns a note for each column that does not ask all questions; the rows of a column say the same."""
    found = dict.fromkeys(
        f"{column.title}: {row.cells[place].n or 'none'} of {row.cells[place].of} questions are asked"
        + (f": {row.cells[place].reason}." if row.cells[place].reason else ".")
        for place, column in enumerate(report.columns)
        for row in report.rows
        if (row.cells[place].n or 0) < (row.cells[place].of or 0)
    )
    return list(found)


def _seeds(report: TableReport) -> list[str]:
    return [_seed_values(report, row) for row in report.rows if len(row.seeds) > 1]


def _seed_values(report: TableReport, row: Row) -> str:
    columns = []
    for column, cell in zip(report.columns, row.cells, strict=True):
        if cell.seed_values:
            values = ", ".join(number(value, column.decimals) for value in cell.seed_values)
            spread = number(max(cell.seed_values) - min(cell.seed_values), column.decimals)
            columns.append(f"{column.title} {values} (range {spread})")
    seeds = ", ".join(str(seed) for seed in row.seeds)
    return (
        f"`{row.tokenizer}/{row.recipe}/{row.llm}` is the mean over seeds {seeds}, its interval the mean of the "
        f"seeds' ends. By seed: {'; '.join(columns)}."
    )


def _sources(study: Study, report: TableReport) -> list[str]:
    tasks = [column.task for column in report.columns if column.task != AVERAGE]
    target = f"results/{report.results}/{report.rows[0].runs[0]}/{tasks[0]}/metrics.json"
    elsewhere = (
        " `data_root=FOLDER` behind `--config` names the folder of the official files where it is not the scale's own."
        if not study.scale.world
        else ""
    )
    runs = ", ".join(f"`{run}`" for row in report.rows for run in row.runs)
    return [
        f"One command makes any cell again: `{rebuild_command(study, target)}`, with the run and the task of the "
        f"cell in place of these.{elsewhere}",
        f"Tasks, in the order of the columns: {', '.join(f'`{task}`' for task in tasks)}.",
        f"Runs, in the order of the rows: {runs}.",
    ]
