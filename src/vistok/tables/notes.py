"""What stands above and under a table in words: what a number means, and how to make it again."""

from collections import Counter

from vistok.evaluation.kinds import task_kind
from vistok.grid.study import Study
from vistok.tables.metrics import rebuild_command
from vistok.tables.values import AVERAGE, Row, TableReport, number

BEATEN, BAR = "▽", "△"


def banner(study: Study) -> str:
    """Returns what a reader must know first: whose models answer, and which split was asked."""
    texts = []
    if study.models.scale.encoders or study.models.scale.language_model:
        own = study.scale.id == study.models.scale.id
        who = (
            "Small models that it pretrains itself"
            if own
            else f"Small models of the scale `{study.models.scale.id}`"
        )
        what = "questions about drawn scenes" if study.scale.world else "questions about real photographs"
        texts.append(
            f"At the scale `{study.scale.id}` these are not the paper's models. {who} answer {what}. The "
            "published numbers stand here to compare the shape of the study (which rows lead, and in which "
            "columns); they are no targets."
        )
    if study.split != "test":
        texts.append(f"These are questions of the split `{study.split}`, not of the test split.")
    return " ".join(texts)


def substitute(study: Study, tokenizer: str) -> str:
    """Returns the footnote of a tokenizer whose published weights cannot be had; empty for others."""
    text = study.tokenizer(tokenizer).substitute
    if not text:
        return ""
    own = (
        f". The scale `{study.models.scale.id}` needs no substitute: it pretrains a tokenizer of its own "
        "under the same supervision"
        if study.models.pretrains(tokenizer)
        else ""
    )
    return f"No released weights: {' '.join(text.split())}{own}."


def notes(study: Study, report: TableReport) -> tuple[str, ...]:
    """Returns the notes of a table, in the order in which they are printed."""
    return (
        *_meaning(report),
        *_protocols(study, report),
        *_agreement(report),
        *_audited(report),
        *_partial(report),
        *_seeds(report),
        *_sources(study, report),
    )


def _meaning(report: TableReport) -> list[str]:
    found = [
        "All values are in per cent. The difference is ours minus published; the interval is the 95 % "
        "bootstrap interval of ours over images (Wilson's where every answer is right, or every one wrong), not given "
        "for fewer than ten; n is how many questions a column asks.",
        "Best of a column in bold, second best underlined, for ours and for published each over all rows, "
        "as printed; neither where all rows are equal.",
        "The blind baselines never look at the image: the answer that is right most often; the answer that is "
        "right most often for the object or the wording of the question; and the language model asked without "
        "the image, with the same prompt and decoding. The first two are fitted on the training split, or on "
        "other images' answers where the scale names none. Captions have one wording, so their prior is the "
        "constant.",
        f"{BAR} marks the best blind baseline of a column. {BEATEN} marks a cell of ours that does not "
        "exceed it.",
    ]
    titles = [column.title for column in report.columns if column.task != AVERAGE]
    if len(titles) < len(report.columns):
        mixed = any(column.metric == "CIDEr" for column in report.columns)
        found.append(
            f"{report.columns[-1].title} is the mean of {', '.join(titles)}"
            + (", taken as the paper takes it: CIDEr counts as one more accuracy." if mixed else ".")
            + " It stands only where all of them do, and has no interval."
        )
    return found


def _protocols(study: Study, report: TableReport) -> list[str]:
    columns = [column for column in report.columns if column.protocol]
    printed = ", ".join(f"{column.title} {column.metric} ({column.protocol})" for column in columns)
    titles: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        meanings = task_kind(study.task(column.task).kind).protocols
        for name in column.protocols:
            titles.setdefault((name, meanings[name]), []).append(column.title)
    names = Counter(name for name, _ in titles)
    lines = [f"Printed: {printed}."]
    for (name, meaning), of in titles.items():
        whose = f" ({', '.join(of)})" if names[name] > 1 else ""
        lines.append(f"{name}{whose}: {meaning}.")
    return [" ".join(lines)]


def _agreement(report: TableReport) -> list[str]:
    """Returns how many cells are as near to the published ones as the scale asks, where it asks for any."""
    columns = zip(report.columns, zip(*(row.cells for row in report.rows), strict=True), strict=True)
    counted = [
        f"{column.title} {cells[0].tolerance:g} ({sum(cell.agrees is True for cell in cells)} of {len(judged)} cells)"
        for column, cells in columns
        if (judged := [cell for cell in cells if cell.agrees is not None])
    ]
    if not counted:
        return []
    return [
        "‡ marks a cell of ours that is further from the published one than the scale tolerates. Tolerated are, in "
        f"points, with the cells that are within: {', '.join(counted)}."
    ]


def _audited(report: TableReport) -> list[str]:
    if not report.audit:
        return []
    return [
        "A raised number leads to what the audit finds in published numbers. `snakemake paper_audit --cores 1` makes "
        "its page (`paper_tables/audit.html`), which also tells what the released benchmark files are worth."
    ]


def _partial(report: TableReport) -> list[str]:
    """Returns a note for each column that does not ask all questions; the rows of a column say the same."""
    found = dict.fromkeys(
        f"{column.title}: {cell.n or 'none'} of {cell.of or 'its'} questions are asked"
        + (f": {cell.reason}." if cell.reason else ".")
        for place, column in enumerate(report.columns)
        for cell in (row.cells[place] for row in report.rows)
        if cell.reason or (cell.n or 0) < (cell.of or 0)
    )
    return list(found)


def _seeds(report: TableReport) -> list[str]:
    once = sum(len(row.seeds) == 1 for row in report.rows)
    found = [_seed_values(report, row) for row in report.rows if len(row.seeds) > 1]
    if once:
        found.append(
            f"{once} of {len(report.rows)} rows are one training each: what another seed would give is not in their "
            "intervals."
        )
    return found


def _seed_values(report: TableReport, row: Row) -> str:
    columns = []
    for column, cell in zip(report.columns, row.cells, strict=True):
        if cell.seed_values:
            values = ", ".join(number(value, column.decimals) for value in cell.seed_values)
            spread = number(max(cell.seed_values) - min(cell.seed_values), column.decimals)
            columns.append(f"{column.title} {values} (range {spread})")
    seeds = ", ".join(str(seed) for seed in row.seeds)
    return (
        f"`{row.tokenizer}/{row.recipe}/{row.llm}` is the mean over seeds {seeds}, its interval the mean of "
        f"the seeds' ends. By seed: {'; '.join(columns)}."
    )


def _sources(study: Study, report: TableReport) -> list[str]:
    tasks = [column.task for column in report.columns if column.task != AVERAGE]
    target = f"results/{report.results}/{report.rows[0].runs[0]}/{tasks[0]}/metrics.json"
    elsewhere = (
        " `data_root=FOLDER` behind `--config` names the folder of the official files where it is not the "
        "scale's own."
        if not study.scale.world
        else ""
    )
    runs = ", ".join(f"`{run}`" for row in report.rows for run in row.runs)
    return [
        f"One command makes any cell again: `{rebuild_command(study, target)}`, with the run and the task of "
        f"the cell in place of these.{elsewhere}",
        f"Tasks, in the order of the columns: {', '.join(f'`{task}`' for task in tasks)}.",
        f"Runs, in the order of the rows: {runs}.",
    ]
