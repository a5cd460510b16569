"""The pretraining supervisions of the study: one objective a file, all on one ViT architecture."""
