"""Makes a scale's own language model: from text alone, or tuned on instructions from its base."""

from vistok.checkpoints import Stopwatch
from vistok.errors import VistokError
from vistok.files import digest_value, staged_folder, write_json
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.specs import llm_spec
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.language_models.load import load_language_model, save_language_model
from vistok.mllm.words import make_word_tokenizer
from vistok.planning.listed import check_listed, corpus_names
from vistok.reading import read_json, read_text
from vistok.sources import source_digest
from vistok.steps.inputs import input_digests
from vistok.training.curves import write_curves
from vistok.training.language import (
    LanguageLearner,
    check_language_gate,
    read_conversations,
    read_documents,
    text_accuracy,
)
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.processes import is_first
from vistok.training.state import TrainingState

HELD_OUT = 300


def run(study: Study, llm: str) -> None:
    """Writes `checkpoints/<scale>/llms/<llm>`, a transformers folder with gate.json, curves and provenance.

    Raises:
        VistokError: the scale takes published models, or the model misses its text-only gate.
    """
    size = study.scale.language_model
    if size is None:
        raise VistokError(
            f"the scale {study.scale.id!r} takes {study.llm(llm).weights} as published: nothing to train."
        )
    stopwatch, paths, spec = Stopwatch(), Paths(study), llm_spec(study, llm)
    check_listed(study, corpus_names(study))
    make_deterministic(0)
    base = study.llm(llm).base
    stage = size.instruction_tuning if base else size.pretraining
    if base:
        model = load_language_model(paths.llm(base))
        model.requires_grad_(True)
    else:
        model = CausalLanguageModel.build(size, make_word_tokenizer(_texts(paths, study)))
    corpus = paths.data / stage.corpus
    start = model.words.start
    weight = size.short_answer_weight
    documents = (
        read_conversations(corpus, start, short_answer_weight=weight)
        if base
        else read_documents(corpus, start)
    )
    learner = LanguageLearner(model, documents[:-HELD_OUT], batch=stage.batch, seed=0)
    job = study.scale.job("train-llm")
    plan = Plan(stage.steps, stage.optimiser, study.scale.save_every, workers=job.cpus - 1, part=job.part)
    out = paths.llm(llm)
    before = [paths.llm(base)] if base else []
    inputs = input_digests([*before, corpus]) | {"spec": digest_value(spec)}
    identity = digest_value([inputs, source_digest(__name__)])
    curves = train(learner, plan, state=paths.state(out), identity=identity, name=f"llm {llm}")
    if not is_first():
        return
    scores = text_accuracy(model, documents[-HELD_OUT:]) if base else {}
    if base:
        check_language_gate(scores, size.gate, f"the language model {llm!r}")
    with staged_folder(out) as partial:
        save_language_model(partial, model)
        write_json(partial / "gate.json", {"text_only_accuracy": scores, "gate": size.gate if base else {}})
        write_curves(partial, curves)
        write_json(partial / "provenance.json", stopwatch.provenance(inputs))
    TrainingState(paths.state(out), identity).forget()


def _texts(paths: Paths, study: Study) -> list[str]:
    """Returns every text of both corpora, so that base and tuned model share one vocabulary."""
    size = study.scale.language_model
    assert size is not None
    plain = read_text(paths.data / size.pretraining.corpus, what="text corpus").splitlines()
    entries = read_json(paths.data / size.instruction_tuning.corpus, what="instruction file")
    return plain + [turn["value"] for entry in entries for turn in entry["conversations"]]
