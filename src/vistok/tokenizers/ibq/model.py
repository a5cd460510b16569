"""IBQ as a tokenizer: images to codes and their embeddings, and back to images."""

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from vistok.grid.ett import NetworkSize
from vistok.tokenizers.ibq.codebook import Codebook, Quantised
from vistok.tokenizers.ibq.networks import Decoder, Encoder


class Ibq(nn.Module):
    """Encoder, codebook and decoder; internally, images are from -1 to 1."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.encoder = Encoder(size)
        self.into = nn.Identity() if size.lean else nn.Conv2d(size.width, size.width, 1)
        self.codebook = Codebook(size.codes, size.width)
        self.out_of = nn.Identity() if size.lean else nn.Conv2d(size.width, size.width, 1)
        self.decoder = Decoder(size)

    def encode(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D H W"]:
        """Returns the vectors to be quantised."""
        encoded: Tensor = self.into(self.encoder(images))
        return encoded

    def decode(self, embeddings: Float[Tensor, "B D H W"]) -> Float[Tensor, "B 3 S S"]:
        """Returns images decoded from embeddings."""
        painted: Tensor = self.decoder(self.out_of(embeddings))
        return painted

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> tuple[Float[Tensor, "B 3 S S"], Quantised]:
        """Returns images reconstructed from their codes, and the codebook's result for them."""
        quantised = self.codebook(self.encode(images))
        return self.decode(quantised.embeddings), quantised

    @torch.no_grad()
    def codes(self, images: UInt8[Tensor, "B 3 S S"]) -> Int64[Tensor, "B H W"]:
        """Returns the codes of images."""
        return self.codebook.nearest(self.encode(from_bytes(images)))

    @torch.no_grad()
    def painted(self, codes: Int64[Tensor, "B H W"]) -> UInt8[Tensor, "B 3 S S"]:
        """Returns images decoded from codes."""
        return to_bytes(self.decode(self.codebook.look_up(codes)))

    def reconstructed(self, images: UInt8[Tensor, "B 3 S S"]) -> UInt8[Tensor, "B 3 S S"]:
        """Returns images after encoding and decoding."""
        return self.painted(self.codes(images))


def from_bytes(images: UInt8[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Returns values from -1 to 1."""
    return images.float() / 127.5 - 1


def to_bytes(images: Float[Tensor, "..."]) -> UInt8[Tensor, "..."]:
    """Returns values from 0 to 255, clipped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
