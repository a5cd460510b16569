"""Baselines: the released evaluation loop and a plain Hugging Face training loop, written anew from descriptions.

Evaluation (released code, as described): questions in the order of their file in batches of four, or one by one, the
image encoded for each question, greedy, up to 32 new tokens. Training: a padded batch through the model's own loss,
all logits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vistok.evaluation.answer.generation import Question
from vistok.mllm.model import MultimodalModel

RELEASED_BATCH = 4
RELEASED_TOKENS = 32
_UNLEARNT = -100


class PlainTraining:
    """The training loop of a tutorial: labels beside a padded batch, AdamW, the loss read in each step.

    `half`: under bf16's autocast, as most loops run today.
    """

    def __init__(
        self, model: MultimodalModel, rate: float, decay: float, clip: float, *, half: bool = False
    ) -> None:
        self.model, self.clip, self.half = model, clip, half
        model.llm.network.set_attn_implementation("sdpa")
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        groups = [
            {"params": [entry for entry in trained if entry.ndim > 1], "weight_decay": decay},
            {"params": [entry for entry in trained if entry.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-8)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the mean loss of all learnt tokens, with the logits of all others computed beside."""
        network, words = self.model.llm.network, self.model.llm.words
        seen = self.model.connector(self.model.tokenizer(batch["images"]))
        before = network.get_input_embeddings()(torch.tensor(words.before_image, device=seen.device))
        front = torch.cat([before.expand(len(seen), -1, -1), seen], dim=1)
        embedded = torch.cat([front, network.get_input_embeddings()(batch["ids"])], dim=1)
        unlearnt = torch.full(front.shape[:2], _UNLEARNT, device=seen.device)
        labels = torch.where(batch["weights"] > 0, batch["ids"], _UNLEARNT)
        mask = torch.cat([torch.ones_like(unlearnt), batch["mask"]], dim=1)
        loss: Tensor = network(
            inputs_embeds=embedded, attention_mask=mask, labels=torch.cat([unlearnt, labels], dim=1)
        ).loss
        return loss

    def step(self, batch: dict[str, Tensor]) -> float:
        with torch.autocast(batch["ids"].device.type, torch.bfloat16, enabled=self.half):
            loss = self.loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return loss.item()


@torch.no_grad()
def released_answers(
    model: MultimodalModel,
    questions: Sequence[Question],
    pixels: dict[str, Tensor],
    batch: int = RELEASED_BATCH,
) -> list[str]:
    """Returns the answers of the released loop, in the questions' order."""
    network, words = model.eval().llm.network, model.llm.words
    embed = network.get_input_embeddings()
    answers: list[str] = []
    for first in range(0, len(questions), batch):
        group = questions[first : first + batch]
        seen = model.connector(model.tokenizer(torch.stack([pixels[entry.image_id] for entry in group])))
        rows = [
            [*words.before_image, *([words.end] * seen.shape[1]), *words.encode(f"</Img>{entry.prompt}")]
            for entry in group
        ]
        longest = max(map(len, rows))
        ids = torch.tensor([[words.end] * (longest - len(row)) + row for row in rows], device=seen.device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=seen.device)
        embedded = embed(ids)
        for number, row in enumerate(rows):
            start = longest - len(row) + len(words.before_image)
            embedded[number, start : start + seen.shape[1]] = seen[number]
        output = network.generate(
            inputs_embeds=embedded,
            attention_mask=mask,
            max_new_tokens=RELEASED_TOKENS,
            do_sample=False,
            eos_token_id=words.end,
            pad_token_id=words.end,
        )
        answers += [text.strip() for text in words.tokenizer.batch_decode(output, skip_special_tokens=True)]
    return answers
