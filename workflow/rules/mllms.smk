rule tune_mllm:
    """Trains one run: a tokenizer joined to a frozen language model by a connector."""
    input:
        mixture(),
        lambda wildcards: parts_of(run_of(wildcards)),
    output:
        directory(f"checkpoints/{SCALE}/mllms/{RUN_PATTERN}"),
    log:
        f"logs/{SCALE}/tune_mllm/{RUN_PATTERN}.log",
    benchmark:
        f"benchmarks/{SCALE}/tune_mllm/{RUN_PATTERN}.tsv"
    params:
        spec=lambda wildcards: specs.spec_digest(specs.mllm_spec(MODELS, run_of(wildcards))),
        source=source("tune_mllm"),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "vistok tune-mllm {wildcards.tokenizer}/{wildcards.recipe}/{wildcards.llm}/seed-{wildcards.seed} {MODEL_OPTIONS} 2>&1 | tee {log}"
