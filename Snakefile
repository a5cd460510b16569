"""vistok: every table of the paper as a dependency-tracked target.

snakemake paper_tables --cores 2                                     the mini scale, on a laptop
snakemake paper_tables --config scale=excerpt data_root=FOLDER       real photographs and questions
snakemake paper_data --config scale=paper data_root=FOLDER           the official archives, fetched and verified
snakemake mask_study --cores 2                                       what a mask does, by a table of our own
snakemake differ_study --cores 2                                     Table 2's frozen rows where counts differ
snakemake ett_tables --cores 1                                       ETT, the second system: its tables, and their worth
snakemake paper_audit paper_claims --cores 2                         what of the paper can be trusted
"""


configfile: "workflow/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/tokenizers.smk"
include: "workflow/rules/llms.smk"
include: "workflow/rules/mllms.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/ett.smk"


onstart:
    begin()


onsuccess:
    tell_results()


rule paper_tables:
    """Every table of the study, and the curves of the trainings behind it."""
    default_target: True
    input:
        FILES.tables(),


rule mask_study:
    """What hiding patches does to a tokenizer: a crossing of mask and loss on one encoder, by shares of the patches."""
    input:
        FILES.table("mask-study"),
    localrule: True


rule controlled_study:
    """All supervisions on the same images at the same compute, and whether their ranking survives the recipe."""
    input:
        FILES.table("table-2-controlled"),
        FILES.table("recipe-study"),
    localrule: True


rule differ_study:
    """Counting where the counts of an image's groups differ: Table 2's frozen rows, asked more; nothing is trained."""
    input:
        FILES.table("differ-study"),
    localrule: True


rule ett_tables:
    """ETT, the second system: its tables, its claims weighed, and what its numbers are worth."""
    input:
        FILES.ett(),
    localrule: True


rule paper_data:
    """Every official archive that the study reads and that its owner lets anybody fetch."""
    input:
        FILES.fetched(),
    localrule: True


with checks.refusals():
    names.check_names(workflow.rules, get_argument_parser().parse_args(sys.argv[1:]))
