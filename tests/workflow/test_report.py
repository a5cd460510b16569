"""A build tells one line a job, of at most 160 characters, with the time left; what failed stands last."""

from pathlib import Path

import numpy as np
import pytest

from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.workflow.expected import STARTING, Expected, called, expect
from vistok.workflow.files import Files
from vistok.workflow.report import WIDTH, Report, results


@pytest.fixture
def study(mini: Files) -> Study:
    return mini.study


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def table_2(study: Study) -> Expected:
    """Returns what the plan says of every training, answer and score behind Table 2."""
    runs = [run.path for run in study.runs("table-2")]
    jobs = [("make_world", dict[str, str]())]
    jobs += [("pretrain_tokenizer", {"pretrained": run.pretrained.path}) for run in study.runs("table-2")]
    jobs += [(rule, {"run": run}) for run in runs for rule in ("tune_mllm", "answer_gvt", "score_run_gvt")]
    return expect(study, jobs, cores=2)


def test_the_plan_weighs_each_job(study: Study) -> None:
    expected = table_2(study)
    run = study.runs("table-2")[0].path
    assert expected.of("make_world") > STARTING
    assert expected.of(f"score_run_gvt {run}") == STARTING
    assert expected.of(f"tune_mllm {run}") > expected.of(f"answer_gvt {run}") > STARTING
    assert expected.left(0.0) == pytest.approx(sum(map(expected.of, expected.seconds)) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_the_time_left_is_right_within_a_third_of_the_build(study: Study, seed: int) -> None:
    """A machine three times slower, on which rules differ by up to a half from the plan, and jobs by a tenth."""
    generator = np.random.default_rng(seed)
    expected = table_2(study)
    rules = {name.partition(" ")[0] for name in expected.seconds}
    pace = {rule: 3.0 * 1.5 ** generator.uniform(-1, 1) for rule in sorted(rules)}
    taken = {
        name: seconds * pace[name.partition(" ")[0]] * generator.normal(1.0, 0.1)
        for name, seconds in expected.seconds.items()
    }
    told, free = list[tuple[float, float]](), [0.0, 0.0]
    ends = list[tuple[float, str]]()
    for name, seconds in taken.items():  # two jobs at a time, a row behind the other
        core = int(np.argmin(free))
        for end, ended in sorted(each for each in ends if each[0] <= free[core]):
            expected.end(ended, end)
            told.append((end, expected.left(end)))
            ends.remove((end, ended))
        expected.start(name, free[core])
        free[core] += seconds
        ends.append((free[core], name))
    whole = max(free)
    wrong = [
        abs(left - (whole - now)) / (whole - now) for now, left in told if whole / 3 < now < 0.95 * whole
    ]
    assert len(wrong) > 10
    assert np.mean(np.array(wrong) < 0.3) > 0.9


def test_one_short_job_says_little_of_the_long_ones() -> None:
    expected = Expected({"answer_blind_gvt a": 5.0, "tune_mllm a": 50.0, "tune_mllm b": 50.0}, 1)
    expected.start("answer_blind_gvt a", 0.0)
    expected.end("answer_blind_gvt a", 15.0)
    assert 100.0 < expected.left(15.0) < 125.0


def test_what_waits_for_all_others_is_not_shared_out() -> None:
    expected = Expected({"tune_mllm a": 50.0, "tune_mllm b": 50.0, "show_study": 30.0}, 2, ["show_study"])
    assert expected.left(0.0) == 80
    for name in ("tune_mllm a", "tune_mllm b"):
        expected.start(name, 0.0)
        expected.end(name, 50.0)
    expected.start("show_study", 50.0)
    assert expected.left(60.0) == 20
    study = load_study("mini")
    assert expect(study, [("show_study", {}), ("count_benchmark", {})], 2).last == ["show_study"]


def test_a_job_has_one_line_and_a_long_one_two() -> None:
    clock = Clock()
    report = Report(Expected({"tune_mllm a": 40.0, "tune_mllm b": 400.0, "tabulate table-2": 4.0}, 1), clock)
    assert report.opened()[0].startswith("3 jobs, 1 at a time: about 7.4 min by the plan")
    assert report.started(7, "tune_mllm a") == []
    clock.now = 80.0
    assert report.ended(7) == ["[1/3]  tune_mllm a, 80 s; about 11.8 min left"]
    (line,) = report.started(8, "tune_mllm b")
    assert line.startswith("[1/3]  tune_mllm b has started: about 11.")
    clock.now = 880.0
    (line,) = report.ended(8)
    assert line.startswith("[2/3]  tune_mllm b, 13.3 min; about 10 s left")
    report.started(9, "tabulate table-2")
    assert report.ended(9) == ["[3/3]  tabulate table-2, 0 s"]
    assert report.started(11, "paper_tables") + report.ended(11) == [], "the target's own, which has no step"
    assert report.errors() == []


def test_no_line_is_wider_than_a_screen() -> None:
    name = f"tune_mllm {'x' * 300}"
    report = Report(Expected({name: 500.0}), Clock())
    assert [len(line) for line in report.started(1, name) + report.ended(1)] == [WIDTH, WIDTH]


def test_what_failed_is_told_at_once_and_last(tmp_path: Path) -> None:
    log = tmp_path / "tune.log"
    log.write_text("step 1\nvistok: the disk is full.\x1b[2J\nsomething behind\n")
    report = Report(Expected({"tune_mllm a": 5.0}), Clock())
    report.started(1, "tune_mllm a")
    (line,) = report.failed(1, "tune_mllm", [str(log)])
    assert line == "tune_mllm a has FAILED: vistok: the disk is full.\\x1b[2J"
    assert report.errors() == [line, f"  its log: {log}"]
    assert report.errors() == [], "once"
    (line,) = report.failed(2, "tabulate", [str(tmp_path / "none.log")])
    assert line == "tabulate has FAILED: its log is empty"
    log.write_text(f"vistok: {'long ' * 60}\n")
    (line,) = report.failed(3, "tabulate", [str(log)])
    assert len(line) == WIDTH
    assert " ".join(report.errors()).count("long") == 60, "all of it, in lines"


def test_the_end_names_the_tables_and_their_first_numbers(tmp_path: Path) -> None:
    page, cells = tmp_path / "table-2.html", tmp_path / "table-2.csv"
    page.write_text("")
    rows = [
        f"{run} other,{column},{value}" for run in "abcde" for column, value in (("VQA", 51.26), ("OC", ""))
    ]
    cells.write_text("\n".join(["run,column,ours", *rows]) + "\n")
    assert results([str(page), str(cells), str(tmp_path / "table-3.html")]) == [
        str(page), "  a: VQA 51.3", "  b: VQA 51.3", "  c: VQA 51.3", "  and 2 more rows",
    ]  # fmt: skip
    other = tmp_path / "table-3.csv"
    other.write_text("run,column,ours\nz,VQA,7\n")
    assert results([str(page), str(cells), str(other)]) == [f"{page}  a: VQA 51.3", f"{other}  z: VQA 7.0"]


def test_a_job_is_called_by_its_rule_and_ids() -> None:
    assert called("answer_gvt", {"run": "a/b"}) == "answer_gvt a/b"
    assert called("make_world", {}) == "make_world"
