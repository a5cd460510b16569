"""Visual tokenizers: an image in, a sequence of visual tokens out; one file a kind of encoder."""
