tabulate = rule_of("tabulate")
draw_curves = rule_of("draw-curves")
paper_claims = rule_of("weigh-claims")
paper_audit = rule_of("audit")


rule tabulate:
    """Renders one table: published, ours, difference, interval and baselines."""
    input:
        tabulate.inputs,
    output:
        tabulate.outputs,
    log:
        tabulate.log,
    benchmark:
        tabulate.benchmark
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
        draw_curves.outputs,
    log:
        draw_curves.log,
    benchmark:
        draw_curves.benchmark
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
        paper_claims.outputs,
    log:
        paper_claims.log,
    benchmark:
        paper_claims.benchmark
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
        paper_audit.outputs,
    log:
        paper_audit.log,
    benchmark:
        paper_audit.benchmark
    threads: 1
    resources:
        **paper_audit.resources,
    params:
        released=released_root,
        generated=" ".join(["--generated", *FILES.made_questions()]),
        source=paper_audit.source,
    shell:
        "vistok audit {params.released} {params.generated} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
