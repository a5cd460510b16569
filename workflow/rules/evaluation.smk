rule answer:
    """Answers all tasks with one run's MLLM."""
    input:
        data_files(STUDY),
        f"checkpoints/{SCALE}/mllms/{{run}}",
        lambda wildcards: FILES.parts(wildcards.run),
    output:
        FILES.of_run("predictions.jsonl"),
    log:
        f"logs/{RESULTS}/answer/{{run}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/answer/{{run}}.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "answer"),
    params:
        options=OPTIONS,
        spec=specs.spec_digest(specs.answer_spec(STUDY)),
        source=lambda wildcards: run_code("answer", MODELS, FILES.run(wildcards.run).tokenizer),
        data=data.task_data(STUDY),
    shell:
        "vistok answer {wildcards.run} {params.options} 2>&1 | tee -i {log}"


rule score_run:
    """Scores what one run answered."""
    input:
        data_files(STUDY),
        FILES.of_run("predictions.jsonl"),
    output:
        FILES.of_run("metrics.json"),
    log:
        f"logs/{RESULTS}/score_run/{{run}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/score_run/{{run}}.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "score-run"),
    params:
        options=OPTIONS,
        spec=specs.spec_digest(specs.score_spec(STUDY)),
        source=code("score_run"),
        data=data.task_data(STUDY),
    shell:
        "vistok score-run {wildcards.run} {params.options} 2>&1 | tee -i {log}"


rule answer_blind:
    """Answers all tasks with a language model alone, without the images."""
    input:
        data_files(STUDY),
        lambda wildcards: FILES.own_llm(wildcards.llm),
    output:
        FILES.blind_predictions("{llm}"),
    log:
        f"logs/{RESULTS}/answer_blind/{{llm}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/answer_blind/{{llm}}.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "answer"),
    params:
        options=OPTIONS,
        spec=lambda wildcards: specs.spec_digest(specs.answer_blind_spec(STUDY, wildcards.llm)),
        source=code("answer_blind"),
        data=data.task_data(STUDY),
    shell:
        "vistok answer-blind {wildcards.llm} {params.options} 2>&1 | tee -i {log}"


rule fit_blind:
    """Scores the blind baselines of all tasks."""
    input:
        data_files(STUDY),
        [FILES.blind_predictions(llm) for llm in STUDY.answering_llms()],
    output:
        FILES.blind(),
    log:
        f"logs/{RESULTS}/fit_blind.log",
    benchmark:
        f"benchmarks/{RESULTS}/fit_blind.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "fit-blind"),
    params:
        options=OPTIONS,
        spec=specs.spec_digest(specs.score_spec(STUDY)),
        source=code("fit_blind"),
        data=data.task_data(STUDY),
    shell:
        "vistok fit-blind {params.options} 2>&1 | tee -i {log}"
