train_llm = rule_of("train-llm")


rule train_llm:
    """Trains one language model of a scale that makes its own, on text alone."""
    input:
        data_files(MODELS, FILES.corpus_digests()),
        train_llm.inputs,
    output:
        directory(train_llm.outputs),
    log:
        train_llm.log,
    # What others wait for starts first, so that short jobs are left to fill the end. Every MLLM waits for this one.
    priority: 3
    threads: 1
    resources:
        **train_llm.resources,
    params:
        options=options_of_models,
        spec=train_llm.spec,
        source=train_llm.source,
    shell:
        "{resources.launch} vistok train-llm {wildcards.llm} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
