"""Visual tokenizers: an image in, a sequence of visual tokens out; one file per kind of encoder."""
