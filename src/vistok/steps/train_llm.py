"""Makes a scale's own language model: from text alone, or tuned on instructions from its base."""

from pathlib import Path

from vistok.chain.checkpoints import check_llm, forget_state
from vistok.evaluation.kinds import task_kind
from vistok.files import write_json
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.language_models.load import (
    build_language_model,
    load_language_model,
    save_language_model,
)
from vistok.provenance import Stopwatch, proven_folder
from vistok.reading import read_json, read_text
from vistok.steps.decided import decide_text_training
from vistok.steps.training import training
from vistok.training.curves import write_curves
from vistok.training.language import (
    Document,
    LanguageLearner,
    check_language_gate,
    read_conversations,
    read_documents,
    text_accuracy,
)
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.processes import is_first

HELD_OUT = 300


def run(study: Study, llm: str) -> None:
    """Writes `checkpoints/<scale>/llms/<llm>`, a transformers folder with gate.json, curves and provenance.

    Raises:
        VistokError: the scale takes published models, or the model misses its text-only gate.
    """
    stopwatch, paths, what = Stopwatch(), Paths(study), decide_text_training(study, llm)
    size, base = study.language_model_size(llm), study.llm(llm).base
    assert size
    stage = size.instruction_tuning if base else size.pretraining
    corpus = paths.data / stage.corpus
    job = study.scale.job("train-llm")
    with training(paths, what.out, [what.inputs, what.code], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(0)
        model = _start(study, llm, size)
        documents = _documents(corpus, model.words.start, size if base else None)
        learner = LanguageLearner(model, documents[:-HELD_OUT], batch=stage.batch, seed=0)
        plan = Plan(
            0 if study.llm(llm).random else stage.steps,
            stage.optimiser,
            study.scale.save_every,
            workers=job.cpus - 1,
            positions=job.positions,
            gpus=job.gpus,
        )
        curves = train(learner, plan, state=work.state, identity=work.identity, name=f"llm {llm}")
        if not is_first():
            return
        scores = text_accuracy(model, documents[-HELD_OUT:], _marks(study)) if base else {}
        gate = size.gate if base else {}
        if base:
            check_language_gate(scores, gate, f"the language model {llm!r}")
        with proven_folder(work.out, work.about(stopwatch, what.inputs)) as partial:
            save_language_model(partial, model)
            write_json(partial / "gate.json", {"text_only_accuracy": scores, "gate": gate})
            write_curves(partial, curves)


def _start(study: Study, llm: str, size: LanguageModelSize) -> LanguageModel:
    """Returns the model that is trained: its base, or a new one."""
    base, kind = study.llm(llm).base, study.llm(llm).kind
    if base is None:
        return build_language_model(kind, size, _texts(Paths(study).data, size))
    check_llm(study, base)
    forget_state(Paths(study), Paths(study).llm(base))
    model = load_language_model(Paths(study).llm(base), kind=kind)
    model.requires_grad_(True)
    return model


def _documents(corpus: Path, start: str, tuned: LanguageModelSize | None) -> list[Document]:
    if tuned is None:
        return read_documents(corpus, start)
    return read_conversations(corpus, start, short_answer_weight=tuned.short_answer_weight)


def _marks(study: Study) -> dict[str, str]:
    """Returns the words that show a prompt's kind, and the kind, for each kind that is taught."""
    marks = {task_kind(name).mark: name for name in study.taught_kinds()}
    return {mark: name for mark, name in marks.items() if mark}


def _texts(data: Path, size: LanguageModelSize) -> list[str]:
    """Returns every text of both corpora, so that base and tuned model share one vocabulary."""
    plain = read_text(data / size.pretraining.corpus, what="text corpus").splitlines()
    entries = read_json(data / size.instruction_tuning.corpus, what="instruction file")
    return plain + [turn["value"] for entry in entries for turn in entry["conversations"]]
