pretrain_tokenizer = rule_of("pretrain-tokenizer")


rule pretrain_tokenizer:
    """Pretrains one tokenizer of a scale that makes its own, with one seed."""
    input:
        pretrain_tokenizer.inputs,
    output:
        directory(pretrain_tokenizer.outputs),
    log:
        pretrain_tokenizer.log,
    priority: 2
    threads: 1
    resources:
        **pretrain_tokenizer.resources,
    params:
        options=options_of_models,
        spec=pretrain_tokenizer.spec,
        source=pretrain_tokenizer.source,
    shell:
        "{resources.launch} vistok pretrain-tokenizer {wildcards.pretrained} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
