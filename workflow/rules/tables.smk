tabulate, draw_curves, show_study = map(rule_of, ("tabulate", "draw-curves", "show-study"))
paper_claims, paper_audit = map(rule_of, ("weigh-claims", "audit"))


rule tabulate:
    """Renders one table: published, ours, difference, interval and baselines."""
    input:
        tabulate.inputs,
    output:
        reported(tabulate.outputs, ".html", "Tables", "table", table="{table}"),
    log:
        tabulate.log,
    threads: 1
    resources:
        **tabulate.resources,
    params:
        options=options_of_study,
        spec=tabulate.spec,
        source=tabulate.source,
    shell:
        "vistok tabulate {wildcards.table} {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule draw_curves:
    """Draws the loss and learning-rate curves of all trainings behind one table."""
    input:
        draw_curves.inputs,
    output:
        reported(draw_curves.outputs, ".png", "Trainings", "curves", table="{table}"),
    log:
        draw_curves.log,
    threads: 1
    resources:
        **draw_curves.resources,
    params:
        options=options_of_study,
        spec=draw_curves.spec,
        source=draw_curves.source,
    shell:
        "vistok draw-curves {wildcards.table} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule paper_claims:
    """Weighs the paper's claims: on its own numbers, and on the cells of this scale."""
    input:
        paper_claims.inputs,
    output:
        reported(paper_claims.outputs, ".html", "Claims and audit", "claims", page="claims"),
    log:
        paper_claims.log,
    threads: 1
    resources:
        **paper_claims.resources,
    params:
        options=options_of_study,
        spec=paper_claims.spec,
        source=paper_claims.source,
    shell:
        "vistok weigh-claims {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule paper_audit:
    """Audits the paper's tables, the released benchmark files below a data_root, and the generated ones."""
    input:
        paper_audit.inputs,
        data_files(MODELS, FILES.audit_digests()),
    output:
        reported(paper_audit.outputs, ".html", "Claims and audit", "audit", page="audit"),
    log:
        paper_audit.log,
    threads: 1
    resources:
        **paper_audit.resources,
    params:
        released=lambda wildcards, input: released_option(STUDY),
        generated=" ".join(["--generated", *FILES.made_questions()]),
        out=lambda wildcards, output: os.path.dirname(output[0]),
        source=paper_audit.source,
    shell:
        "vistok audit {params.released} {params.generated} --out {params.out} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


# Table 1, Figures 3 and 4, and everything else about the study as a whole: one rule pattern.
for verb in FILES.figures():
    drawing = rule_of(verb)

    rule:
        """Counts the benchmark, or draws a figure of the paper."""
        name:
            drawing.name
        input:
            data_files(STUDY, FILES.all_task_digests()),
            drawing.inputs,
        output:
            reported(
                drawing.outputs,
                drawing.step.figure,
                drawing.step.category,
                FILES.caption(verb),
                **FILES.label(drawing.step.category, drawing.outputs),
            ),
        log:
            drawing.log,
        threads: 1
        resources:
            **drawing.resources,
        params:
            verb=verb,
            options=options_of_study,
            spec=drawing.spec,
            source=drawing.source,
        shell:
            "vistok {params.verb} {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule show_study:
    """Makes the page from which all of the study is reached, with a page a run."""
    input:
        data_files(STUDY, FILES.all_task_digests()),
        show_study.inputs,
    output:
        reported(show_study.outputs[:2], "index.html", "Study", "study", page="index"),
        directory(show_study.outputs[2]),
        directory(show_study.outputs[3]),
    log:
        show_study.log,
    threads: 1
    resources:
        **show_study.resources,
    params:
        options=options_of_study,
        spec=show_study.spec,
        source=show_study.source,
    shell:
        "vistok show-study {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
