"""Where clauses come from: the public documents that several of them cite."""

CHAT = ("native", "compat")
ALL = ("native", "compat", "model")

OPENAI = "openai/openai-openapi 2.3.0"
COMPLETION = f"{OPENAI}, CreateChatCompletionResponse"
CHUNK = f"{OPENAI}, CreateChatCompletionStreamResponse"
REQUEST = f"{OPENAI}, CreateChatCompletionRequest"
USAGE = f"{OPENAI}, CompletionUsage"
SSE = "WHATWG HTML, section 9.2 (server-sent events)"
CLOUDFLARE = "developers.cloudflare.com/ai-gateway"
BASETEN_PAGE = f"{CLOUDFLARE}/usage/providers/baseten/"
COMPAT_PAGE = f"{CLOUDFLARE}/usage/chat-completion/"
CACHING = f"{CLOUDFLARE}/features/caching/"
AUTHENTICATION = f"{CLOUDFLARE}/configuration/authentication/"
RATE = f"{CLOUDFLARE}/features/rate-limiting/"
LOG_IDS = "cloudflare/cloudflare-docs, changelog/ai-gateway/2026-10-08-uuidv7-log-ids"
BASETEN_ERRORS = "docs.baseten.co/inference/errors"
