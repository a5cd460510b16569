# Official archives for a scale that reads real files; scales that make their own data have none.
fetch = rule_of("fetch")

if not STUDY.scale.world:

    rule fetch:
        """Fetches, verifies and unpacks one official archive, where snakemake itself runs."""
        output:
            touch(fetch.outputs),
        log:
            fetch.log,
        localrule: True
        threads: 1
        resources:
            **fetch.resources,
        params:
            options=f"--scale {STUDY.scale.id} --data-root {shlex.quote(STUDY.scale.data_root)}",
        shell:
            "vistok fetch {wildcards.download} {params.options} "
            "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
