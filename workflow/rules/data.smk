make_world = rule_of("make-world")
list_data = rule_of("list-data")
write_shards = rule_of("write-shards")


if MODELS.scale.world:

    rule make_world:
        """Makes the scale's own data in the official formats, and checks its bytes against data.dvc."""
        output:
            directory(make_world.outputs[0]),
            digest=make_world.outputs[1],
        log:
            make_world.log,
        threads: make_world.resources["cpus_per_task"]
        resources:
            **make_world.resources,
        params:
            options=options_of_models,
            spec=make_world.spec,
            source=make_world.source,
            pinned=pinned_digest(PINS, Path(MODELS.scale.data_root)),
        shell:
            "vistok make-world {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


if FILES.listed():

    rule list_data:
        """Digests one official file, a folder of them or weights, where snakemake itself runs; never again by itself."""
        output:
            list_data.outputs,
        log:
            list_data.log,
        localrule: True
        threads: 1
        resources:
            **list_data.resources,
        params:
            options=lambda wildcards, input: OPTIONS if wildcards.owner == STUDY.scale.id else MODEL_OPTIONS,
            name=lambda wildcards: shlex.quote(wildcards.listed),
        shell:
            "vistok list-data {params.name} {params.options} " "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"


rule write_shards:
    """Gathers one image set into shards."""
    input:
        lambda wildcards: data_files(MODELS, FILES.image_set_digests(wildcards.image_set)),
    output:
        directory(write_shards.outputs),
    log:
        write_shards.log,
    threads: 1
    resources:
        **write_shards.resources,
    params:
        options=options_of_models,
        spec=write_shards.spec,
        source=write_shards.source,
    shell:
        "vistok write-shards {wildcards.image_set} {params.options} "
        "2>&1 | {{ tee -i {log} || cat > /dev/null; }}"
