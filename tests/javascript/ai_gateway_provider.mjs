// Cloudflare's AI SDK provider, which posts steps to the universal endpoint; prints JSON.
import { generateObject, generateText, jsonSchema, streamText, tool } from "ai";
import { createAiGateway } from "ai-gateway-provider";
import { createUnified } from "ai-gateway-provider/providers/unified";

const { ORIGIN, API_KEY, TOKEN, MODEL } = process.env;
const HOST = "https://gateway.ai.cloudflare.com";
const steps = [];

// The provider has its host built in; only that is replaced.
const real = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const response = await real(String(url).replace(HOST, ORIGIN), init);
  steps.push(response.headers.get("cf-aig-step"));
  return response;
};

const gateway = createAiGateway({ accountId: "acc", gateway: "gw", apiKey: TOKEN });
const unified = createUnified({ apiKey: API_KEY, includeUsage: true, supportsStructuredOutputs: true });
const one = () => gateway(unified(`baseten/${MODEL}`));
const ask = { model: one(), prompt: "What is Cloudflare?", maxRetries: 0 };

const plain = await generateText(ask);

const stream = streamText({ ...ask, model: one() });
const parts = [];
for await (const part of stream.textStream) parts.push(part);

const clock = tool({
  description: "Reads a clock.",
  inputSchema: jsonSchema({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  }),
});
const called = await generateText({
  ...ask,
  model: one(),
  tools: { read_clock: clock },
  toolChoice: "required",
});

const shaped = await generateObject({
  ...ask,
  model: one(),
  schema: jsonSchema({
    type: "object",
    properties: { name: { type: "string" }, year: { type: "integer" } },
    required: ["name", "year"],
    additionalProperties: false,
  }),
});

const before = steps.length;
const fallen = await generateText({
  ...ask,
  model: gateway([unified("baseten/nobody/nothing"), unified(`baseten/${MODEL}`)]),
});

const refusal = async (options) => {
  try {
    await generateText({ ...ask, model: createAiGateway(options)(unified(`baseten/${MODEL}`)) });
  } catch (error) {
    return error.message;
  }
  return null;
};

console.log(
  JSON.stringify({
    plain: { text: plain.text, finish: plain.finishReason, usage: plain.usage },
    streamed: { text: parts.join(""), parts: parts.length, usage: await stream.usage },
    tool: { name: called.toolCalls[0].toolName, arguments: called.toolCalls[0].input },
    schema: shaped.object,
    fallback: { text: fallen.text, step: steps.slice(before).at(-1) },
    unknown: await refusal({ accountId: "acc", gateway: "nowhere", apiKey: TOKEN }),
    unauthorized: await refusal({ accountId: "acc", gateway: "gw", apiKey: "wrong" }),
  }),
);
