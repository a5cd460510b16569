"""vistok: every table of the paper as a dependency-tracked target.

snakemake paper_tables --cores 2                                     the mini scale, on a laptop
snakemake paper_tables --config scale=excerpt data_root=FOLDER       real photographs and questions
"""

configfile: "workflow/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/tokenizers.smk"
include: "workflow/rules/llms.smk"
include: "workflow/rules/mllms.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/tables.smk"


rule paper_tables:
    default_target: True
    input:
        table_files(),
