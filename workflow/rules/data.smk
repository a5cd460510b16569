if MODELS.scale.world:

    rule make_world:
        """Makes the scale's own data in the official formats, and checks its bytes against data.dvc."""
        output:
            directory(MODELS.scale.data_root),
            digest=f"{MODELS.scale.data_root}.md5",
        log:
            f"logs/{SCALE}/make_world.log",
        benchmark:
            f"benchmarks/{SCALE}/make_world.tsv"
        threads: 1
        resources:
            **size_of(MODELS, "make-world"),
        params:
            options=MODEL_OPTIONS,
            spec=specs.spec_digest(specs.world_spec(MODELS)),
            source=code("make_world"),
            pinned=data.pinned(MODELS),
        shell:
            "vistok make-world {params.options} 2>&1 | tee -i {log} && echo {params.pinned} > {output.digest}"


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
    threads: 1
    resources:
        **size_of(MODELS, "write-shards"),
    params:
        options=MODEL_OPTIONS,
        spec=lambda wildcards: specs.spec_digest(specs.shards_spec(MODELS, wildcards.image_set)),
        source=code("write_shards"),
        data=lambda wildcards: data.image_set_data(MODELS, wildcards.image_set),
    shell:
        "vistok write-shards {wildcards.image_set} {params.options} 2>&1 | tee -i {log}"
