// A model for agents, which does what a driver says: it answers each request of an agent with one call of a tool. It
// speaks Anthropic's messages, OpenAI's chat completions and responses, and Gemini's contents, all as streams.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { text as bodyOf } from 'node:stream/consumers';

/**
 * Starts a model. `url` is its address; `next` resolves with the next request of the agent's conversation, which has
 * the names of its `tools`, the `answer` of the last call of a tool, and `reply`, which takes the next call, or undefined
 * to end the conversation.
 */
export async function startModel() {
  const requests = [];
  const waiting = [];
  const server = createServer((request, response) => void respond(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    next: () => requests.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  };

  async function respond(request, response) {
    const format = FORMATS.find(({ path }) => path.test(request.url));
    const body = JSON.parse((await bodyOf(request)) || '{}');
    const tools = format?.tools(body) ?? [];
    if (format === undefined) {
      response.writeHead(404).end('{}');
      return;
    }
    const reply = (call) => {
      const events = call === undefined ? format.say('Done.') : format.call(call);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events.map(frame).join(''));
    };
    // Agents ask smaller models for titles and the like, without tools.
    if (tools.length === 0) {
      reply(undefined);
      return;
    }
    const arrived = { tools, answer: format.answer(body), reply };
    const waiter = waiting.shift();
    if (waiter === undefined) requests.push(arrived);
    else waiter(arrived);
  }
}

const frame = (event) => `${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`;
const pictureOf = (url = '') => /^data:image\/\w+;base64,(.+)$/.exec(url)?.[1];

/** Returns the answer of parts that are texts or pictures. */
function answer(parts, error = false) {
  return {
    text: parts.map(({ text = '' }) => text).join('\n'),
    error,
    pictures: parts.map(({ picture }) => picture).filter(Boolean),
  };
}

const anthropic = {
  path: /^\/v1\/messages(\?|$)/,
  tools: ({ tools = [] }) => tools.map(({ name }) => name),
  answer({ messages }) {
    const found = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
    const result = found.findLast(({ type }) => type === 'tool_result');
    if (result === undefined) return undefined;
    const parts = typeof result.content === 'string' ? [{ text: result.content }] : (result.content ?? []);
    return answer(
      parts.map(({ text, source }) => ({ text, picture: source?.data })),
      result.is_error,
    );
  },
  say: (text) => anthropicTurn({ type: 'text', text: '' }, { type: 'text_delta', text }, 'end_turn'),
  call: ({ name, args }) =>
    anthropicTurn(
      { type: 'tool_use', id: `toolu_${Math.random().toString(36).slice(2)}`, name, input: {} },
      { type: 'input_json_delta', partial_json: JSON.stringify(args) },
      'tool_use',
    ),
};

function anthropicTurn(block, delta, reason) {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'scripted', content: [], usage };
  return [
    { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null } },
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
}

const chat = {
  path: /\/chat\/completions$/,
  tools: ({ tools = [] }) => tools.map((tool) => tool.function?.name ?? ''),
  answer({ messages }) {
    const last = messages.findLastIndex(({ role }) => role === 'tool');
    if (last === -1) return undefined;
    // Pictures follow in a message of the user, because those of tools have texts only.
    const parts = messages
      .slice(last)
      .flatMap(({ content }) => (Array.isArray(content) ? content : [{ text: content }]));
    return answer(parts.map(({ text, image_url: image }) => ({ text, picture: pictureOf(image?.url) })));
  },
  say: (content) => [chatChunk({ role: 'assistant', content }), chatChunk({}, 'stop')],
  call: ({ name, args }) => [
    chatChunk({
      role: 'assistant',
      tool_calls: [
        {
          index: 0,
          id: `call_${Math.random().toString(36).slice(2)}`,
          type: 'function',
          function: { name, arguments: JSON.stringify(args) },
        },
      ],
    }),
    chatChunk({}, 'tool_calls'),
  ],
};

function chatChunk(delta, reason = null) {
  return {
    id: 'chat_1',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'scripted',
    choices: [{ index: 0, delta, finish_reason: reason }],
  };
}

const responses = {
  path: /\/responses$/,
  tools: ({ tools = [] }) =>
    tools.flatMap(({ type, name, tools: inner = [] }) =>
      type === 'namespace' ? inner.map((tool) => `${name}/${tool.name}`) : [name ?? ''],
    ),
  answer({ input }) {
    const result = input.findLast(({ type }) => type === 'function_call_output');
    if (result === undefined) return undefined;
    const { output } = result;
    const parts = typeof output === 'string' ? [{ text: output }] : output;
    return answer(parts.map(({ text, image_url: url }) => ({ text, picture: pictureOf(url) })));
  },
  say: (text) =>
    responsesTurn({
      type: 'message',
      role: 'assistant',
      id: 'msg_1',
      content: [{ type: 'output_text', text, annotations: [] }],
    }),
  call({ name, args }) {
    const [namespace, own] = name.includes('/') ? name.split('/') : [undefined, name];
    const id = `call_${Math.random().toString(36).slice(2)}`;
    return responsesTurn({
      type: 'function_call',
      id: `fc_${id}`,
      call_id: id,
      name: own,
      namespace,
      arguments: JSON.stringify(args),
    });
  },
};

function responsesTurn(item) {
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  return [
    { type: 'response.created', response: { id: 'resp_1' } },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { id: 'resp_1', output: [item], usage } },
  ];
}

const gemini = {
  path: /:streamGenerateContent/,
  tools: ({ tools = [] }) =>
    tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name)),
  answer({ contents }) {
    const last = contents.findLast(({ parts }) => parts.some(({ functionResponse }) => functionResponse));
    if (last === undefined) return undefined;
    const parts = last.parts.flatMap((part) => [part, ...(part.functionResponse?.parts ?? [])]);
    return answer(
      parts.map(({ text, functionResponse, inlineData }) => ({
        text: text ?? (functionResponse && Object.values(functionResponse.response).join('\n')),
        picture: inlineData?.data,
      })),
      parts.some(({ functionResponse }) => functionResponse?.response?.error !== undefined),
    );
  },
  say: (text) => [geminiTurn({ text })],
  call: ({ name, args }) => [geminiTurn({ functionCall: { name, args } })],
};

function geminiTurn(part) {
  return {
    candidates: [{ index: 0, finishReason: 'STOP', content: { role: 'model', parts: [part] } }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
  };
}

const FORMATS = [anthropic, chat, responses, gemini];
