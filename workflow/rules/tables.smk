rule tabulate:
    """Renders one table: published, ours, difference, interval and baselines."""
    input:
        table_metrics,
        lambda wildcards: f"paper_tables/published/table{STUDY.table(wildcards.table).number}.csv",
    output:
        [f"paper_tables/{RESULTS}/{{table}}.{suffix}" for suffix in TABLE_FORMATS],
    log:
        f"logs/{RESULTS}/tabulate/{{table}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/tabulate/{{table}}.tsv"
    params:
        spec=lambda wildcards: specs.spec_digest(specs.table_spec(STUDY, wildcards.table)),
        source=source("tabulate"),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "vistok tabulate {wildcards.table} {OPTIONS} 2>&1 | tee {log}"


rule draw_curves:
    """Draws the loss and learning-rate curves of all trainings behind one table."""
    input:
        trainings,
    output:
        f"paper_tables/{RESULTS}/{{table}}-curves.png",
    log:
        f"logs/{RESULTS}/draw_curves/{{table}}.log",
    benchmark:
        f"benchmarks/{RESULTS}/draw_curves/{{table}}.tsv"
    params:
        source=source("draw_curves"),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "vistok draw-curves {wildcards.table} {OPTIONS} 2>&1 | tee {log}"
