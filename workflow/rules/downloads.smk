# Official archives for a scale that reads real files; scales that make their own data have none.
if not STUDY.scale.world:

    rule fetch:
        """Fetches, verifies and unpacks one official archive, where snakemake itself runs."""
        output:
            touch(f"data/fetched/{RESULTS}/{{download}}"),
        log:
            f"logs/{RESULTS}/fetch/{{download}}.log",
        benchmark:
            f"benchmarks/{RESULTS}/fetch/{{download}}.tsv"
        localrule: True
        threads: 1
        resources:
            **size_of(STUDY, "fetch"),
        params:
            options=f"--scale {STUDY.scale.id} --data-root {shlex.quote(STUDY.scale.data_root)}",
        shell:
            "vistok fetch {wildcards.download} {params.options} 2>&1 | tee -i {log}"
