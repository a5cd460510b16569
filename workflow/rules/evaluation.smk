rule answer:
    """Answers all tasks with one run's MLLM."""
    input:
        data_files(STUDY),
        f"checkpoints/{SCALE}/mllms/{RUN_PATTERN}",
        lambda wildcards: parts_of(run_of(wildcards)),
    output:
        run_files("predictions.jsonl"),
    log:
        f"logs/{RESULTS}/answer/{RUN_PATTERN}.log",
    benchmark:
        f"benchmarks/{RESULTS}/answer/{RUN_PATTERN}.tsv"
    params:
        spec=specs.spec_digest(specs.answer_spec(STUDY)),
        source=source("answer"),
        data=data_digest(STUDY),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "vistok answer {wildcards.tokenizer}/{wildcards.recipe}/{wildcards.llm}/seed-{wildcards.seed} {OPTIONS} 2>&1 | tee {log}"


rule score_run:
    """Scores what one run answered."""
    input:
        data_files(STUDY),
        run_files("predictions.jsonl"),
    output:
        run_files("metrics.json"),
    log:
        f"logs/{RESULTS}/score_run/{RUN_PATTERN}.log",
    benchmark:
        f"benchmarks/{RESULTS}/score_run/{RUN_PATTERN}.tsv"
    params:
        spec=specs.spec_digest(specs.score_spec(STUDY)),
        source=source("score_run"),
        data=data_digest(STUDY),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "vistok score-run {wildcards.tokenizer}/{wildcards.recipe}/{wildcards.llm}/seed-{wildcards.seed} {OPTIONS} 2>&1 | tee {log}"


rule fit_blind:
    """Scores the blind baselines of all tasks."""
    input:
        data_files(STUDY),
    output:
        [str(PATHS.blind(task)) for task in SUITE],
    log:
        f"logs/{RESULTS}/fit_blind.log",
    benchmark:
        f"benchmarks/{RESULTS}/fit_blind.tsv"
    params:
        spec=specs.spec_digest(specs.score_spec(STUDY)),
        source=source("fit_blind"),
        data=data_digest(STUDY),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "vistok fit-blind {OPTIONS} 2>&1 | tee {log}"
