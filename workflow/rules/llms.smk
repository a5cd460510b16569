rule train_llm:
    """Trains one language model of a scale that makes its own, on text alone."""
    input:
        data_files(MODELS),
        base=lambda wildcards: base_of(wildcards.llm),
    output:
        directory(f"checkpoints/{SCALE}/llms/{{llm}}"),
    log:
        f"logs/{SCALE}/train_llm/{{llm}}.log",
    benchmark:
        f"benchmarks/{SCALE}/train_llm/{{llm}}.tsv"
    params:
        spec=lambda wildcards: specs.spec_digest(specs.llm_spec(MODELS, wildcards.llm)),
        source=source("train_llm"),
        data=data_digest(MODELS),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "vistok train-llm {wildcards.llm} {MODEL_OPTIONS} 2>&1 | tee {log}"
