"""The final answer is what stands behind reasoning, in a tag or a box, in plain characters."""

import time

import pytest

from vistok.evaluation.score.final import final_answer, stated


@pytest.mark.parametrize(
    ("generated", "answer"),
    [
        ("a boat", "a boat"),
        ("<think>red?</think>blue", "blue"),
        ("<THINK >red?</THINK>\n\nblue\n", "blue"),
        ("<thought>red?</thought> <analysis>green?</analysis> blue", "blue"),
        ("<think>a <think>b</think> c</think> blue", "blue"),
        ("red, so\n</think>\nblue", "blue"),
        ("blue <think>or red?</think>", "blue"),
        ("blue <think>or red?", ""),
        ("<think>red?</think>", ""),
        ("[THINK]red?[/THINK]blue", "blue"),
        ("<|think|>red?<|/think|>blue", "blue"),
        ("<antThinking>red?</antThinking>blue", "blue"),
        ("<chain_of_thought>red?</chain_of_thought>blue", "blue"),
        ("<inner_monologue>red?</inner_monologue>blue", "blue"),
        ('<think effort="low">red?</think>blue', "blue"),
        ("<unused94>thought\nred?<unused95>blue", "blue"),
        ("<|channel>thought\nred?<channel|>blue", "blue"),
        ("<!-- red? -->blue", "blue"),
        ("red --> blue", "red --> blue"),
        ("\u25c1think\u25b7red?\u25c1/think\u25b7blue", "blue"),
        ("<|begin_of_thought|>red?<|end_of_thought|>blue", "blue"),
        (
            "<|channel|>analysis<|message|>red?<|end|><|start|>x<|channel|>final<|message|>blue<|return|>",
            "blue",
        ),
        ("<|channel|>analysis<|message|>red?", ""),
    ],
)
def test_reasoning_is_no_answer(generated: str, answer: str) -> None:
    assert final_answer(generated) == answer


@pytest.mark.parametrize(
    ("generated", "answer"),
    [
        ("It is <answer> blue </answer>, I think", "blue"),
        ("<answer>red</answer> no: <answer>blue</answer>", "blue"),
        ("<answer>blue", "blue"),
        ("<REASONING>red?</REASONING><CONCLUSION>blue</CONCLUSION>", "blue"),
        ("<|begin_of_box|>blue<|end_of_box|>", "blue"),
        (r"So \boxed{red}, no, \boxed{\text{blue}}.", "blue"),
        (r"\boxed{blue", "blue"),
        (r"\fbox{blue} or red", "blue"),
        (r"\boxed blue", "blue"),
        (r"<answer>\boxed{blue}</answer>", "blue"),
    ],
)
def test_the_last_tag_or_box_holds_the_answer(generated: str, answer: str) -> None:
    assert final_answer(generated) == answer


@pytest.mark.parametrize(
    "generated",
    ["**a-b 1_2**", "__a-b 1_2__", "*a-b* _1_2_", "`a-b 1_2`", "<b>a-b</b> <em class='x'>1_2</em>", "~~a-b 1_2~~",
     "$a-b 1_2$", r"\(a-b 1_2\)", "\uff41\uff0d\uff42 \uff11\uff3f\uff12", "a\u2011b 1_2", "\ufeffa-b\u200b 1_2",
     "a\u2212b 1_2", "a-b 1_2</s>", "<|im_start|>a-b 1_2<|im_end|>"],
)  # fmt: skip
def test_marks_and_look_alikes_are_no_part_of_it(generated: str) -> None:
    assert final_answer(generated) == "a-b 1_2"


@pytest.mark.parametrize(
    ("generated", "answer"),
    [
        ("~~red~~ blue", "blue"),
        ("<del>red</del> blue", "blue"),
        ("&lt;think&gt;red?&lt;/think&gt; blue", "blue"),
        ("&quot;blue&quot;", '"blue"'),
        ("2\u00b3", "2^3"),
    ],
)
def test_struck_and_escaped_text_is_read_as_it_is_shown(generated: str, answer: str) -> None:
    assert final_answer(generated) == answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("blue", "blue"),
        ("It is red.\nAnswer: blue", "blue"),
        ("Red, or green? So the final answer is blue.", "blue."),
        ("The answer is red. No, the answer is blue", "blue"),
        ("I cannot answer this", "I cannot answer this"),
        ("My answer:", "My answer:"),
    ],
)
def test_what_is_said_to_be_the_answer_goes_before_the_way_to_it(answer: str, said: str) -> None:
    assert stated(answer) == said


def test_long_generations_are_read_in_time() -> None:
    started = time.process_time()
    for text in ("<think>", "</think>", r"\boxed{", "<answer>", r"\text{" * 50 + "}", "**", "_ "):
        final_answer(text * 5_000)
    assert time.process_time() - started < 20
