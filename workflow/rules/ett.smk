train_cell_nets, reconstruct, show_ett = map(rule_of, ("train-cell-nets", "reconstruct", "show-ett"))
train_ibq, lengthen_ibq = map(rule_of, ("train-ibq", "lengthen-ibq"))


rule train_cell_nets:
    """Trains the nets that ETT's tokenizer is taught and judged by."""
    input:
        train_cell_nets.inputs,
    output:
        [directory(path) for path in train_cell_nets.outputs],
    log:
        train_cell_nets.log,
    benchmark:
        train_cell_nets.benchmark
    threads: 1
    resources:
        **train_cell_nets.resources,
    params:
        options=options_of_models,
        spec=train_cell_nets.spec,
        source=train_cell_nets.source,
    shell:
        "vistok train-cell-nets {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule train_ibq:
    """Trains the tokenizer of ETT, to codes and back."""
    input:
        train_ibq.inputs,
    output:
        directory(train_ibq.outputs),
    log:
        train_ibq.log,
    benchmark:
        train_ibq.benchmark
    threads: 1
    resources:
        **train_ibq.resources,
    params:
        options=options_of_models,
        spec=train_ibq.spec,
        source=train_ibq.source,
    shell:
        "vistok train-ibq {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule lengthen_ibq:
    """Trains the tokenizer of ETT without captions for as many more steps as tuning takes."""
    input:
        lengthen_ibq.inputs,
    output:
        directory(lengthen_ibq.outputs),
    log:
        lengthen_ibq.log,
    benchmark:
        lengthen_ibq.benchmark
    threads: 1
    resources:
        **lengthen_ibq.resources,
    params:
        options=options_of_models,
        spec=lengthen_ibq.spec,
        source=lengthen_ibq.source,
    shell:
        "vistok lengthen-ibq {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule reconstruct:
    """Measures what the tokenizer of ETT leaves of the images that are asked about."""
    input:
        data_files(STUDY, FILES.ett_digests()),
        reconstruct.inputs,
    output:
        reconstruct.outputs,
    log:
        reconstruct.log,
    benchmark:
        reconstruct.benchmark
    threads: 1
    resources:
        **reconstruct.resources,
    params:
        options=options_of_study,
        spec=reconstruct.spec,
        source=reconstruct.source,
    shell:
        "vistok reconstruct {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule show_ett:
    """Renders the tables of ETT, the second system, and what their numbers are worth."""
    input:
        show_ett.inputs,
    output:
        show_ett.outputs,
    log:
        show_ett.log,
    benchmark:
        show_ett.benchmark
    threads: 1
    resources:
        **show_ett.resources,
    params:
        options=options_of_study,
        spec=show_ett.spec,
        source=show_ett.source,
    shell:
        "vistok show-ett {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
