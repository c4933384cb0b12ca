// The OpenAI SDK against a gateway: plain, streamed, tool and JSON-schema requests; prints JSON.
import OpenAI from "openai";

const { BASE_URL, API_KEY, MODEL } = process.env;
const openai = new OpenAI({ apiKey: API_KEY, baseURL: BASE_URL, maxRetries: 0 });
const messages = [{ role: "user", content: "What is Cloudflare?" }];
const clock = {
  type: "function",
  function: {
    name: "read_clock",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const schema = {
  type: "object",
  properties: { name: { type: "string" }, year: { type: "integer" } },
  required: ["name", "year"],
  additionalProperties: false,
};
const asked = { model: MODEL, messages };

const plain = await openai.chat.completions.create(asked);

const stream = await openai.chat.completions.create({
  ...asked,
  stream: true,
  stream_options: { include_usage: true },
});
const streamed = { text: "", finish: null, usage: null };
for await (const chunk of stream) {
  streamed.text += chunk.choices[0]?.delta?.content ?? "";
  streamed.finish = chunk.choices[0]?.finish_reason ?? streamed.finish;
  streamed.usage = chunk.usage ?? streamed.usage;
}

const calling = openai.chat.completions.stream({ ...asked, tools: [clock], tool_choice: "required" });
const called = await calling.finalChatCompletion();

const shaped = await openai.chat.completions.parse({
  ...asked,
  response_format: { type: "json_schema", json_schema: { name: "company", strict: true, schema } },
});

console.log(
  JSON.stringify({
    plain: { text: plain.choices[0].message.content, usage: plain.usage },
    streamed,
    tool: {
      name: called.choices[0].message.tool_calls[0].function.name,
      arguments: JSON.parse(called.choices[0].message.tool_calls[0].function.arguments),
      finish: called.choices[0].finish_reason,
    },
    schema: shaped.choices[0].message.parsed ?? JSON.parse(shaped.choices[0].message.content),
  }),
);
