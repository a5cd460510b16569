"""Facts about the paper and its sources that no table holds, each with where it was read."""

from dataclasses import dataclass

# The paper's text, Tables 2 and 5: the cell of each column that is underlined as second best.
UNDERLINED: dict[int, dict[str, str]] = {
    2: {
        "VQA": "dinov2/frozen",
        "COCO-Caption": "dinov2/frozen",
        "COCO-OC": "dinov2/frozen",
        "COCO-MCI": "clip/tuned",
        "VCR-OC": "clip/tuned",
        "VCR-MCI": "clip/frozen",
        "Avg": "clip/tuned",
    },
    5: {
        "VQAv2": "gvt",
        "COCO-Caption": "gvt",
        "COCO-OC": "blip-2",
        "COCO-MCI": "blip-2",
        "VCR-OC": "minigpt4",
        "VCR-MCI": "minigpt4",
        "Avg": "blip-2",
    },
}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of SEED-Bench's image dimensions.

    Attributes:
        questions: in SEED-Bench v1 (arXiv 2307.16125, and the counts of its released JSON).
        leaderboard: accuracy of GVT (Vicuna-7B) in the leaderboard's result.csv, per cent.
        column: the header in Table 7 that claims to be this dimension; None where the table leaves it out.
    """

    name: str
    questions: int
    leaderboard: str
    column: str | None


SEED_BENCH = (
    Dimension("Scene Understanding", 3158, "41.7", "Scene"),
    Dimension("Instance Identity", 1831, "35.5", "Inst.Id"),
    Dimension("Instance Location", 978, "29.5", "Inst.Loc"),
    Dimension("Instance Attributes", 4649, "31.8", "Inst.Attr"),
    Dimension("Instance Counting", 2447, "36.2", "Inst.Count"),
    Dimension("Spatial Relation", 657, "32.0", "Spatial"),
    Dimension("Instance Interaction", 97, "32.0", "Interaction"),
    Dimension("Visual Reasoning", 331, "51.1", "Reason"),
    Dimension("Text Understanding", 85, "27.1", None),
)
SEED_BENCH_SOURCE = "SEED-Bench leaderboard, result.csv, row GVT (Vicuna-7B)"
LEADERBOARD_IMAGE_AVERAGE = "35.5"
LEADERBOARD_ROW = "eva-clip-fd"


@dataclass(frozen=True, slots=True)
class FileVersion:
    """A version of a released file, identified by its content; `name` is its path in the official repository."""

    name: str
    questions: int
    images: int
    share_of_one: float
    added: str


COCO_OC_VERSIONS = (
    FileVersion("GVTBench/coco_oc.json", 10_000, 4_825, 54.27, "commit 82e1d61, 2023-05-22"),
    FileVersion("GVTBench/GVTBench/coco_oc.json", 10_000, 4_413, 85.48, "commit 40532be, 2023-05-26"),
)
COCO_OC_SHARED_QUESTIONS = 6_682
