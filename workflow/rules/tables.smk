rule tabulate:
    """Renders one table: published, ours, difference, interval and baselines."""
    input:
        lambda wildcards: FILES.metrics([wildcards.table]),
        FILES.published(),
    output:
        [f"paper_tables/{RESULTS}/{{table}}.{suffix}" for suffix in TABLE_FORMATS],
    log:
        f"logs/{RESULTS}/tabulate/{{table}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/tabulate/{{table}}.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "tabulate"),
    params:
        options=options_of_study,
        spec=lambda wildcards: specs.spec_digest(specs.table_spec(STUDY, wildcards.table)),
        source=code("tabulate"),
    shell:
        "vistok tabulate {wildcards.table} {params.options} 2>&1 | tee -i {log}"


rule draw_curves:
    """Draws the loss and learning-rate curves of all trainings behind one table."""
    input:
        lambda wildcards: FILES.trainings(wildcards.table),
    output:
        f"paper_tables/{RESULTS}/{{table}}-curves.png",
    log:
        f"logs/{RESULTS}/draw_curves/{{table}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/draw_curves/{{table}}.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "draw-curves"),
    params:
        options=options_of_study,
        runs=lambda wildcards: [run.path for run in STUDY.runs(wildcards.table)],
        number=lambda wildcards: STUDY.table(wildcards.table).number,
        source=code("draw_curves"),
    shell:
        "vistok draw-curves {wildcards.table} {params.options} 2>&1 | tee -i {log}"


rule paper_claims:
    """Weighs the paper's claims: on its own numbers, and on the cells of this scale."""
    input:
        lambda wildcards: FILES.metrics(STUDY.tables),
        FILES.published(),
        "workflow/grid/claims.yaml",
    output:
        [f"paper_tables/{RESULTS}/claims.{suffix}" for suffix in ("md", "html", "json", "svg")],
        f"results/{RESULTS}/cells.json",
    log:
        f"logs/{RESULTS}/paper_claims.log",
    benchmark:
        f"benchmarks/{RESULTS}/paper_claims.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "weigh-claims"),
    params:
        options=options_of_study,
        spec=[specs.spec_digest(specs.table_spec(STUDY, table)) for table in STUDY.tables],
        source=code("weigh_claims"),
    shell:
        "vistok weigh-claims {params.options} 2>&1 | tee -i {log}"


rule paper_audit:
    """Audits the paper's tables, the released benchmark files below a data_root, and the generated ones."""
    input:
        FILES.published(),
        "workflow/grid/claims.yaml",
        data_files(MODELS, FILES.audit_digests()),
    output:
        [f"paper_tables/audit.{suffix}" for suffix in ("md", "html", "json")],
    log:
        "logs/paper_audit.log",
    benchmark:
        "benchmarks/paper_audit.tsv"
    threads: 1
    resources:
        **size_of(STUDY, "audit"),
    params:
        released=released_root,
        generated=" ".join(["--generated", *FILES.made_questions()]),
        source=source_digest("vistok.commands.audit"),
    shell:
        "vistok audit {params.released} {params.generated} 2>&1 | tee -i {log}"
