teach_drawing, reconstruct = map(rule_of, ("teach-drawing", "reconstruct"))
generate, show_ett = map(rule_of, ("generate", "show-ett"))

# What is trained or made once for all rows.
for made in map(rule_of, ("train-cell-nets", "train-ibq", "lengthen-ibq", "make-prompts")):

    rule:
        """Trains a model of ETT that all its rows share, or makes what is drawn from."""
        name:
            made.name
        input:
            made.inputs,
        output:
            [directory(path) for path in made.outputs],
        log:
            made.log,
        threads: 1
        resources:
            **{"launch": "env"} | made.resources,
        params:
            verb=made.step.id,
            options=options_of_models,
            spec=made.spec,
            source=made.source,
        shell:
            "{resources.launch} vistok {params.verb} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule teach_drawing:
    """Teaches one model that reads ETT's codes to draw them."""
    input:
        teach_drawing.inputs,
    output:
        directory(teach_drawing.outputs),
    log:
        teach_drawing.log,
    threads: 1
    resources:
        **teach_drawing.resources,
    params:
        options=options_of_models,
        spec=teach_drawing.spec,
        source=teach_drawing.source,
    shell:
        "{resources.launch} vistok teach-drawing {wildcards.run} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule reconstruct:
    """Measures what the tokenizer of ETT leaves of the images that are asked about."""
    input:
        data_files(STUDY, FILES.ett_digests()),
        reconstruct.inputs,
    output:
        reconstruct.outputs,
    log:
        reconstruct.log,
    threads: 1
    resources:
        **reconstruct.resources,
    params:
        options=options_of_study,
        spec=reconstruct.spec,
        source=reconstruct.source,
    shell:
        "vistok reconstruct {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule generate:
    """Draws the images that prompts ask for, and judges them."""
    input:
        generate.inputs,
    output:
        generate.outputs,
    log:
        generate.log,
    threads: 1
    resources:
        **generate.resources,
    params:
        options=options_of_study,
        spec=generate.spec,
        source=generate.source,
    shell:
        "vistok generate {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


# The blind baselines of ETT's tables, where its language model answers in no table of the study.
for suite in FILES.suites_of_ett():
    fit_ett_blind = rule_of("fit-ett-blind", suite=suite)

    rule:
        """Scores the blind baselines of a suite for ETT."""
        name:
            fit_ett_blind.name
        input:
            data_files(STUDY, FILES.task_digests(suite)),
            fit_ett_blind.inputs,
        output:
            fit_ett_blind.outputs,
        log:
            fit_ett_blind.log,
        threads: 1
        resources:
            **fit_ett_blind.resources,
        params:
            options=options_of_study,
            spec=fit_ett_blind.spec,
            source=fit_ett_blind.source,
            suite=suite,
        shell:
            "vistok fit-ett-blind {params.suite} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule show_ett:
    """Renders the tables of ETT, the second system, and what their numbers are worth."""
    input:
        show_ett.inputs,
    output:
        show_ett.outputs,
    log:
        show_ett.log,
    threads: 1
    resources:
        **show_ett.resources,
    params:
        options=options_of_study,
        spec=show_ett.spec,
        source=show_ett.source,
    shell:
        "vistok show-ett {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
