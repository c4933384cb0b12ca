"""The model slugs that the stand-in provider serves (docs.baseten.co/development/model-apis)."""

CATALOGUE: tuple[str, ...] = (
    "openai/gpt-oss-120b",
    "MiniMaxAI/MiniMax-M2.5",
    "deepseek-ai/DeepSeek-V3.1",
    "deepseek-ai/DeepSeek-V3-0324",
    "deepseek-ai/DeepSeek-V4-Flash-0731",
    "moonshotai/Kimi-K2.5",
    "moonshotai/Kimi-K2.7-Code",
    "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B",
    "zai-org/GLM-4.6",
    "zai-org/GLM-4.7",
    "zai-org/GLM-5",
    "zai-org/GLM-5.2",
    "zai-org/GLM-5.3-Flash",
)
