if MODELS.scale.world:

    rule make_world:
        """Makes the scale's own data in the official formats, and checks its bytes against data.dvc."""
        output:
            directory(MODELS.scale.data_root),
            digest=f"{MODELS.scale.data_root}.json",
        log:
            f"logs/{SCALE}/make_world.log",
        benchmark:
            f"benchmarks/{SCALE}/make_world.tsv"
        threads: 1
        resources:
            **size_of(MODELS, "make-world"),
        params:
            options=options_of_models,
            spec=specs.spec_digest(specs.world_spec(MODELS)),
            source=code("make_world"),
            pinned=pinned_digest(PINS, Path(MODELS.scale.data_root)),
        shell:
            "vistok make-world {params.options} 2>&1 | tee -i {log}"


if not (STUDY.scale.world and MODELS.scale.world):

    rule list_data:
        """Digests one official file, or a folder of them, where snakemake itself runs; never again by itself."""
        output:
            "data/digests/{owner}/{listed}.json",
        log:
            "logs/{owner}/list_data/{listed}.log",
        benchmark:
            "benchmarks/{owner}/list_data/{listed}.tsv"
        localrule: True
        threads: 1
        resources:
            **size_of(STUDY, "fetch"),
        params:
            options=lambda wildcards, input: OPTIONS if wildcards.owner == STUDY.scale.id else MODEL_OPTIONS,
            name=lambda wildcards: shlex.quote(wildcards.listed),
        shell:
            "vistok list-data {params.name} {params.options} 2>&1 | tee -i {log}"


rule write_shards:
    """Gathers one image set into shards."""
    input:
        lambda wildcards: data_files(MODELS, FILES.image_set_digests(wildcards.image_set)),
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
        options=options_of_models,
        spec=lambda wildcards: specs.spec_digest(specs.shards_spec(MODELS, wildcards.image_set)),
        source=code("write_shards"),
    shell:
        "vistok write-shards {wildcards.image_set} {params.options} 2>&1 | tee -i {log}"
