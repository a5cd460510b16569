rule tune_mllm:
    """Trains one run: a tokenizer joined to a frozen language model by a connector."""
    input:
        FILES.mixture(),
        lambda wildcards: FILES.parts(wildcards.run),
    output:
        directory(f"checkpoints/{SCALE}/mllms/{{run}}"),
    log:
        f"logs/{SCALE}/tune_mllm/{{run}}.log",
    benchmark:
        f"benchmarks/{SCALE}/tune_mllm/{{run}}.tsv"
    threads: 1
    resources:
        **size_of(MODELS, "tune-mllm"),
    params:
        options=options_of_models,
        spec=lambda wildcards: specs.spec_digest(specs.mllm_spec(MODELS, FILES.run(wildcards.run))),
        source=lambda wildcards: run_code("tune_mllm", MODELS, FILES.run(wildcards.run).tokenizer),
    shell:
        "{resources.launch} vistok tune-mllm {wildcards.run} {params.options} 2>&1 | tee -i {log}"
