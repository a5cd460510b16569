from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.questions import Annotations, within


def test_an_object_is_in_a_part_if_half_of_it_is() -> None:
    """Of a part of 100 by 100 pixels: whole, half, a third, nothing, empty, and one that only touches its edge."""
    boxes = {
        "whole": (10.0, 10.0, 20.0, 20.0),
        "half": (90.0, 0.0, 20.0, 20.0),
        "third": (90.0, 40.0, 30.0, 20.0),
        "out": (150.0, 150.0, 20.0, 20.0),
        "point": (50.0, 50.0, 0.0, 0.0),
        "beside": (100.0, 0.0, 20.0, 20.0),
    }
    objects = tuple(ObjectAnnotation(name, box, crowd=False) for name, box in boxes.items())
    known = Annotations(("a caption",), objects, (), (*boxes, "absent"))
    part = within(known, (0.0, 0.0, 100.0, 100.0))
    assert [entry.category for entry in part.objects] == ["whole", "half", "point"]
    assert part.unsure == {"third"}
    assert (part.captions, part.categories) == (known.captions, known.categories)
    assert within(known, (0.0, 0.0, 200.0, 200.0)).objects == objects
