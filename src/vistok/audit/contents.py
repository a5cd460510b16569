"""Checks what a benchmark file holds: answers, duplicates, version, images, annotations."""

from collections import Counter
from pathlib import Path
from statistics import fmean

from vistok.audit.benchmark_file import BenchmarkFile
from vistok.audit.findings import Finding
from vistok.benchmark.annotations import Annotations, read_image_list
from vistok.benchmark.check import check_questions
from vistok.published.facts import COCO_OC_SHARED_QUESTIONS, COCO_OC_VERSIONS

KARPATHY_LISTS = ("karpathy_val_images.txt.gz", "karpathy_test_images.txt.gz")


def check_contents(file: BenchmarkFile) -> Finding:
    """Returns the file's counts and its distribution of answers."""
    objects = [question.objects_in_image for question in file.questions]
    asked = Counter(file.keys)
    total = len(file.questions)
    return Finding(
        anchor=f"{file.anchor}-contents",
        group=file.group,
        verdict="note" if file.group == "benchmark" else "clean",
        title=f"{file.name}: {total:,} questions about {len(set(file.images)):,} images and {len(asked)} "
        "objects",
        tested="What the file holds.",
        facts={
            "questions": total,
            "images": len(set(file.images)),
            "objects": len(asked),
            "most asked": asked.most_common(1)[0][0],
            "most asked times": asked.most_common(1)[0][1],
            "objects in an image, least": min(objects),
            "objects in an image, mean": round(fmean(objects), 2),
            "objects in an image, most": max(objects),
        },
        rows=tuple(
            {"answer": answer, "questions": count, "per cent": round(100 * count / total, 2)}
            for answer, count in sorted(file.answer_counts.items())
        ),
        surprise="A description: no test.",
        meaning="Each cell of this column is a mean over these questions; those on one image are not "
        "independent.",
    )


def check_duplicates(file: BenchmarkFile) -> Finding:
    """Counts the questions that repeat an earlier one, image and text alike."""
    total, repeated = len(file.questions), file.duplicates
    by_answer, asked = Counter[str](), Counter[tuple[int | str, str]]()
    for question in file.questions:
        key = (question.image_id, question.question)
        by_answer[question.answer] += key in asked
        asked[key] += 1
    return Finding(
        anchor=f"{file.anchor}-duplicates",
        group=file.group,
        verdict="wrong" if repeated else "clean",
        title=f"{file.name}: {repeated:,} of {total:,} questions are duplicates",
        tested="Whether the same question is asked again about the same image.",
        facts={"duplicates": repeated, "distinct": total - repeated},
        rows=tuple(
            {"answer": answer, "duplicates": count} for answer, count in sorted(by_answer.items()) if count
        ),
        surprise="Exact comparison.",
        meaning=f"The column rests on {total - repeated:,} questions, some counted up to "
        f"{max(asked.values())} times."
        if repeated
        else "Every question counts once.",
    )


def check_version(file: BenchmarkFile) -> Finding | None:
    """Tells which of the two released versions of COCO-OC the file is; None for any other file."""
    if file.column != "COCO-OC":
        return None
    share = 100 * file.answer_counts.get("1", 0) / len(file.questions)
    images = len(set(file.images))
    here = [v for v in COCO_OC_VERSIONS if v.images == images and abs(v.share_of_one - share) < 0.01]
    first, second = COCO_OC_VERSIONS
    return Finding(
        anchor=f"{file.anchor}-versions",
        group=file.group,
        verdict="doubtful",
        title=f"Two different files are released as coco_oc.json; {file.name} here is "
        f"{f'the official {here[0].name}' if here else 'neither'}",
        tested="The file's number of images and share of the answer '1', against both files of the official "
        "repository.",
        facts={"images": images, "share of '1'": round(share, 2), "version": here[0].name if here else None},
        rows=tuple(
            {
                "file": version.name,
                "questions": version.questions,
                "images": version.images,
                "answer '1', per cent": version.share_of_one,
                "added": version.added,
            }
            for version in COCO_OC_VERSIONS
        ),
        surprise=f"The versions share {COCO_OC_SHARED_QUESTIONS:,} questions, with the same answers.",
        meaning="The paper does not say which it used. A constant '1' scores "
        f"{first.share_of_one} on one and {second.share_of_one} on the other, above every published cell of "
        "the column on "
        "the second.",
    )


def karpathy_held_out(folder: Path) -> frozenset[int] | None:
    """Returns the COCO ids of the Karpathy val and test splits; None where the lists are not there.

    Raises:
        VistokError: a list is not as it should be.
    """
    paths = [folder / name for name in KARPATHY_LISTS]
    if not all(path.is_file() for path in paths):
        return None
    listed = (image for path in paths for image in read_image_list(path, "coco"))
    return frozenset(image for image in listed if isinstance(image, int))


def _coco_images(file: BenchmarkFile) -> set[int] | None:
    """Returns the COCO ids of a file's images; None where some have none."""
    images = {image for image in file.images if isinstance(image, int)}
    return images if len(images) == len(set(file.images)) else None


def check_overlap(file: BenchmarkFile, held_out: frozenset[int]) -> Finding | None:
    """Counts the COCO images that the usual captioning split trains on; None for a file of other images."""
    images = _coco_images(file)
    if images is None:
        return None
    shared = images - held_out
    clean = sum(image in held_out for image in file.images)
    share = 100 * len(shared) / len(images)
    return Finding(
        anchor=f"{file.anchor}-training-overlap",
        group=file.group,
        verdict="doubtful" if shared else "clean",
        title=f"{file.name}: {share:.0f} % of its images are in the captioning training split",
        tested="Whether the file's val2017 images are in the Karpathy val and test splits; all others are in "
        "train or restval, which captioners are trained on.",
        facts={
            "images": len(images),
            "in the training split": len(shared),
            "held out": len(images) - len(shared),
            "questions on held-out images": clean,
        },
        surprise="Exact comparison of image ids.",
        meaning=f"A model trained on COCO captions of the usual split has seen them. {clean:,} questions on "
        f"{len(images) - len(shared):,} images are a clean sub-benchmark: vistok curate --images takes the "
        "lists.",
    )


def check_visual_genome(file: BenchmarkFile, shared_with_coco: frozenset[int]) -> Finding | None:
    """Counts the COCO images that Visual Genome has too; None for a file of other images."""
    images = _coco_images(file)
    if images is None:
        return None
    shared = images & shared_with_coco
    asked = sum(image in shared for image in file.images)
    return Finding(
        anchor=f"{file.anchor}-visual-genome",
        group=file.group,
        verdict="doubtful" if shared else "clean",
        title=f"{file.name}: {len(shared):,} of its {len(images):,} images are in Visual Genome",
        tested="Whether an image of the file is one of the COCO photographs that Visual Genome describes (`coco_id` of "
        "its image data). The paper trains on Visual Genome (4.1) and does not say that it leaves any out.",
        facts={"images": len(images), "in Visual Genome": len(shared), "questions about them": asked},
        surprise="Exact comparison of image ids.",
        meaning=f"A model trained on all of it has read what is on the photographs of {asked:,} questions."
        if shared
        else "No image of the file is described there.",
    )


def check_training_images(file: BenchmarkFile, training: frozenset[int]) -> Finding | None:
    """Counts the images of a file of ours that a captioning training split of ours holds."""
    images = _coco_images(file)
    if images is None:
        return None
    shared = len(images & training)
    return Finding(
        anchor=f"{file.anchor}-training-overlap",
        group=file.group,
        verdict="wrong" if shared else "clean",
        title=f"{file.name}: {shared} of {len(images):,} images are in the captioning training split",
        tested="Whether an image of the file is among the captioned training images beside it.",
        facts={"images": len(images), "in the training split": shared, "training images": len(training)},
        surprise="Exact comparison of image ids.",
        meaning="A model has seen the shared images in training." if shared else "No image was trained on.",
    )


def check_against_annotations(file: BenchmarkFile, annotations: Annotations) -> Finding | None:
    """Compares the file with annotations; None where they annotate none of its images."""
    report = check_questions(file.questions, annotations)
    if not report.checked:
        return None
    answers, objects = report.agreeing("answer"), report.agreeing("n_obj_exist")
    return Finding(
        anchor=f"{file.anchor}-annotations",
        group=file.group,
        verdict="wrong" if report.disagreements else "clean",
        title=f"{file.name}: answers agree {answers}/{report.checked} with the annotations",
        tested="Every answer and n_obj_exist, where the annotations at hand cover the image; crowds count as "
        "one.",
        facts={
            "checked": report.checked,
            "answers agree": answers,
            "n_obj_exist agree": objects,
            "not annotated here": report.not_annotated,
        },
        rows=tuple({"disagreement": str(found)} for found in report.disagreements[:20]),
        surprise="Exact comparison.",
        meaning="The answers are the annotations' counts, with what they miss and what they merge into "
        "crowds.",
    )
