rule pretrain_tokenizer:
    """Pretrains one tokenizer of a scale that makes its own."""
    input:
        lambda wildcards: FILES.pretraining_shards(wildcards.tokenizer),
    output:
        directory(f"checkpoints/{SCALE}/tokenizers/{{tokenizer}}"),
    log:
        f"logs/{SCALE}/pretrain_tokenizer/{{tokenizer}}.log",
    benchmark:
        f"benchmarks/{SCALE}/pretrain_tokenizer/{{tokenizer}}.tsv"
    threads: 1
    resources:
        **size_of(MODELS, "pretrain-tokenizer"),
    params:
        options=options_of_models,
        spec=lambda wildcards: specs.spec_digest(specs.tokenizer_spec(MODELS, wildcards.tokenizer)),
        source=lambda wildcards: pretraining_code(MODELS, wildcards.tokenizer),
    shell:
        "vistok pretrain-tokenizer {wildcards.tokenizer} {params.options} 2>&1 | tee -i {log}"
