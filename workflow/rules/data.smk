if MODELS.scale.world:

    rule make_world:
        """Makes the scale's own data in the official formats, and checks its bytes against data.dvc."""
        output:
            directory(MODELS.scale.data_root),
        log:
            f"logs/{SCALE}/make_world.log",
        benchmark:
            f"benchmarks/{SCALE}/make_world.tsv"
        params:
            spec=specs.spec_digest(specs.world_spec(MODELS)),
            source=source("make_world"),
            pinned=data_digest(MODELS),
        threads: 1
        resources:
            mem_mb=4000,
            runtime=30,
        shell:
            "vistok make-world --scale {SCALE} 2>&1 | tee {log}"


rule write_shards:
    """Gathers one image set into shards."""
    input:
        data_files(MODELS),
    output:
        directory(f"shards/{SCALE}/{{image_set}}"),
    log:
        f"logs/{SCALE}/write_shards/{{image_set}}.log",
    benchmark:
        f"benchmarks/{SCALE}/write_shards/{{image_set}}.tsv"
    params:
        spec=lambda wildcards: specs.spec_digest(specs.shards_spec(MODELS, wildcards.image_set)),
        source=source("write_shards"),
        data=data_digest(MODELS),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        "vistok write-shards {wildcards.image_set} {MODEL_OPTIONS} 2>&1 | tee {log}"
