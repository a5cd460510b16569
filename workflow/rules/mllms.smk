tune_mllm = rule_of("tune-mllm")


rule tune_mllm:
    """Trains one run: a tokenizer joined to a language model by a connector."""
    input:
        tune_mllm.inputs,
    output:
        directory(tune_mllm.outputs),
    log:
        tune_mllm.log,
    priority: 1
    threads: 1
    resources:
        **tune_mllm.resources,
    params:
        options=options_of_models,
        spec=tune_mllm.spec,
        source=tune_mllm.source,
    shell:
        "{resources.launch} vistok tune-mllm {wildcards.run} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
