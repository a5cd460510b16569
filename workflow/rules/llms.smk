rule train_llm:
    """Trains one language model of a scale that makes its own, on text alone."""
    input:
        data_files(MODELS, FILES.corpus_digests()),
        lambda wildcards: FILES.base(wildcards.llm),
    output:
        directory(f"checkpoints/{SCALE}/llms/{{llm}}"),
    log:
        f"logs/{SCALE}/train_llm/{{llm}}.log",
    benchmark:
        f"benchmarks/{SCALE}/train_llm/{{llm}}.tsv"
    # The longest chain: every MLLM waits for it.
    priority: 1
    threads: 1
    resources:
        **size_of(MODELS, "train-llm"),
    params:
        options=options_of_models,
        spec=lambda wildcards: specs.spec_digest(specs.llm_spec(MODELS, wildcards.llm)),
        source=code("train_llm"),
    shell:
        "{resources.launch} vistok train-llm {wildcards.llm} {params.options} 2>&1 | tee -i {log}"
