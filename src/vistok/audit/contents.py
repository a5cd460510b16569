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
    objects = [question.objects_in_image or 0 for question in file.questions]
    counts = Counter(file.keys)
    total = len(file.questions)
    return Finding(
        kind="contents",
        anchor=f"{file.anchor}-contents",
        group=file.group,
        verdict="note" if file.group == "benchmark" else "clean",
        facts={
            "questions": total,
            "images": len(set(file.images)),
            "objects": len(counts),
            "most asked": counts.most_common(1)[0][0],
            "most asked times": counts.most_common(1)[0][1],
            "objects in an image, least": min(objects),
            "objects in an image, mean": round(fmean(objects), 2),
            "objects in an image, most": max(objects),
        },
        rows=tuple(
            {"answer": answer, "questions": count, "per cent": round(100 * count / total, 2)}
            for answer, count in sorted(file.answer_counts.items())
        ),
        details={"file": file.name},
    )


def check_duplicates(file: BenchmarkFile) -> Finding:
    """Counts the questions that repeat an earlier one, image and text alike."""
    total, repeated = len(file.questions), file.duplicates
    by_answer, seen = Counter[str](), Counter[tuple[int | str, str]]()
    for question in file.questions:
        key = (question.image_id, question.question)
        by_answer[question.answer] += key in seen
        seen[key] += 1
    return Finding(
        kind="duplicates",
        anchor=f"{file.anchor}-duplicates",
        group=file.group,
        verdict="wrong" if repeated else "clean",
        facts={"duplicates": repeated, "distinct": total - repeated},
        rows=tuple(
            {"answer": answer, "duplicates": count} for answer, count in sorted(by_answer.items()) if count
        ),
        details={"file": file.name, "questions": total, "most_often": max(seen.values())},
    )


def check_version(file: BenchmarkFile) -> Finding | None:
    """Tells which of the two released versions of COCO-OC the file is; None for any other file."""
    if file.column != "COCO-OC":
        return None
    share = 100 * file.answer_counts.get("1", 0) / len(file.questions)
    images = len(set(file.images))
    here = [v for v in COCO_OC_VERSIONS if v.images == images and abs(v.share_of_one - share) < 0.01]
    return Finding(
        kind="versions",
        anchor=f"{file.anchor}-versions",
        group=file.group,
        verdict="doubtful",
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
        details={
            "file": file.name,
            "shared": COCO_OC_SHARED_QUESTIONS,
            "ones": [version.share_of_one for version in COCO_OC_VERSIONS],
        },
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
    return Finding(
        kind="training-overlap",
        anchor=f"{file.anchor}-training-overlap",
        group=file.group,
        verdict="doubtful" if shared else "clean",
        facts={
            "images": len(images),
            "in the training split": len(shared),
            "held out": len(images) - len(shared),
            "questions on held-out images": clean,
        },
        details={"file": file.name},
    )


def check_visual_genome(file: BenchmarkFile, shared_with_coco: frozenset[int]) -> Finding | None:
    """Counts the COCO images that Visual Genome has too; None for a file of other images."""
    images = _coco_images(file)
    if images is None:
        return None
    shared = images & shared_with_coco
    questions = sum(image in shared for image in file.images)
    return Finding(
        kind="visual-genome",
        anchor=f"{file.anchor}-visual-genome",
        group=file.group,
        verdict="doubtful" if shared else "clean",
        facts={"images": len(images), "in Visual Genome": len(shared), "questions about them": questions},
        details={"file": file.name},
    )


def check_training_images(file: BenchmarkFile, training: frozenset[int]) -> Finding | None:
    """Counts the images of a file of ours that a captioning training split of ours holds."""
    images = _coco_images(file)
    if images is None:
        return None
    shared = len(images & training)
    return Finding(
        kind="training-images",
        anchor=f"{file.anchor}-training-overlap",
        group=file.group,
        verdict="wrong" if shared else "clean",
        facts={"images": len(images), "in the training split": shared, "training images": len(training)},
        details={"file": file.name},
    )


def check_against_annotations(file: BenchmarkFile, annotations: Annotations) -> Finding | None:
    """Compares the file with annotations; None where they annotate none of its images."""
    report = check_questions(file.questions, annotations)
    if not report.checked:
        return None
    answers, objects = report.agreeing("answer"), report.agreeing("n_obj_exist")
    return Finding(
        kind="annotations",
        anchor=f"{file.anchor}-annotations",
        group=file.group,
        verdict="wrong" if report.disagreements else "clean",
        facts={
            "checked": report.checked,
            "answers agree": answers,
            "n_obj_exist agree": objects,
            "not annotated here": report.not_annotated,
        },
        rows=tuple({"disagreement": str(disagreement)} for disagreement in report.disagreements[:20]),
        details={"file": file.name},
    )
