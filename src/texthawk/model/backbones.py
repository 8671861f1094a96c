"""The public backbones that the papers build on, as transformers configs: their shapes alone, no weights.

Recipes, the comparison of connectors and the config's own default all ask here. What a model changes in a backbone (the
side of its pictures, the rows of its vocabulary) is an argument; each default is the backbone as it was published.
"""

from transformers import CLIPVisionConfig, LlamaConfig, Qwen2Config, Qwen2VLVisionConfig, SiglipVisionConfig


def siglip_so400m(side: int = 224) -> SiglipVisionConfig:
    """SigLIP-SO400M with patches of 14 px (arXiv 2303.15343), google/siglip-so400m-patch14-224, without its head.

    side: of its pictures in pixels, which decides how many position embeddings it has.
    """
    return SiglipVisionConfig(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=27,
        num_attention_heads=16,
        image_size=side,
        patch_size=14,
        vision_use_head=False,
    )


def clip_vit_large(side: int = 336) -> CLIPVisionConfig:
    """CLIP ViT-L with patches of 14 px (arXiv 2103.00020), openai/clip-vit-large-patch14-336; `side` in pixels."""
    return CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        image_size=side,
        patch_size=14,
    )


def qwen2_vl_tower() -> Qwen2VLVisionConfig:
    """Qwen2-VL's vision transformer (arXiv 2409.12191) in front of its 7B model: 675 million parameters with its merger."""
    return Qwen2VLVisionConfig(depth=32, embed_dim=1280, mlp_ratio=4, num_heads=16, hidden_size=3584)


VICUNA_VOCABULARY = 32000


def vicuna_7b() -> LlamaConfig:
    """Vicuna-7B v1.5, Llama 2 at its length of 4096: lmsys/vicuna-7b-v1.5."""
    return _vicuna(width=4096, intermediate=11008, layers=32, heads=32)


def vicuna_13b() -> LlamaConfig:
    """Vicuna-13B v1.5: lmsys/vicuna-13b-v1.5."""
    return _vicuna(width=5120, intermediate=13824, layers=40, heads=40)


def _vicuna(*, width: int, intermediate: int, layers: int, heads: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=VICUNA_VOCABULARY,
        hidden_size=width,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=4096,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
    )


INTERNLM_VOCABULARY = 103168


def internlm_7b(vocabulary: int = INTERNLM_VOCABULARY) -> LlamaConfig:
    """InternLM-7B, a Llama with biases in its attention: internlm/internlm-7b; `vocabulary` counts rows of embeddings."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=2048,
        rms_norm_eps=1e-6,
        attention_bias=True,
        tie_word_embeddings=False,
    )


QWEN2_TOKENS, QWEN2_VOCABULARY = 151646, 152064
"""Tokens of Qwen2's tokenizer, and rows of the published embeddings, of which the last are nobody's."""


def qwen2_7b(vocabulary: int = QWEN2_VOCABULARY) -> Qwen2Config:
    """Qwen2-7B-Instruct (arXiv 2407.10671), Qwen/Qwen2-7B-Instruct; `vocabulary` counts rows of embeddings."""
    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        max_position_embeddings=32768,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=False,
    )
