"""GVTBench: questions made from annotations, and released files checked against them."""
