// The protocol between the benchmark's fake Dify and its callers.

export const WORKSPACE_ID = '11111111-2222-4333-8444-555555555555';
export const INNER_API_KEY = 'bench-inner-key';
export const ADMIN_API_KEY = 'bench-admin-key';
export const SECRET_KEY = 'bench-secret-key';
export const INVOKE_PATH = '/inner/api/invoke/tool';
/** An API that returns its text, for servers that know no Dify. */
export const ECHO_PATH = '/api/echo';
export const PROVIDER_ID = 'bench/kit/kit';
export const IMAGE_BYTES = 1_000_000;

/** Returns the name under which the bridge publishes a tool of the fake Dify. */
export const published = (tool) => `bench_kit__${tool}`;

/** The body of an invocation, as the bridge sends it. */
export function invocation(tool, parameters) {
  return JSON.stringify({
    tenant_id: WORKSPACE_ID,
    user_id: '',
    tool_type: 'builtin',
    provider: PROVIDER_ID,
    tool,
    tool_parameters: parameters,
  });
}

/** Returns a message as a length-prefixed frame. */
export function frame(type, message, meta = null) {
  const data = Buffer.from(JSON.stringify({ data: { type, message, meta }, error: '' }));
  const head = Buffer.alloc(14);
  head.writeUInt8(0x0f, 0);
  head.writeUInt16LE(10, 2);
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data]);
}

const text = (english) => ({ en_US: english, zh_Hans: english, pt_BR: english, ja_JP: english });

const parameter = (name, type, required, description) => ({
  name,
  type,
  required,
  form: 'llm',
  label: text(name),
  human_description: text(description),
  llm_description: description,
  default: null,
  min: null,
  max: null,
  options: [],
});

/** Returns the console's list of builtin providers: one plugin with `count` tools, the first three of which work. */
export function builtinTools(count) {
  const names = ['echo', 'picture'];
  if (count > 2) names.push('step');
  while (names.length < count) names.push(`tool_${names.length + 1}`);
  const tools = names.map((name) => ({
    name,
    author: 'bench',
    label: text(`Tool ${name}`),
    description: text(`What ${name} does, in a sentence of the length that such sentences have.`),
    labels: [],
    output_schema: {},
    parameters: [
      parameter('text', 'string', false, 'The text to work on.'),
      parameter('count', 'number', false, 'How many of them.'),
      parameter('exact', 'boolean', false, 'Whether it has to be exact.'),
    ],
  }));
  return [
    {
      id: PROVIDER_ID,
      name: PROVIDER_ID,
      author: 'bench',
      type: 'builtin',
      label: text('Kit'),
      description: text('A kit.'),
      is_team_authorization: true,
      tools,
    },
  ];
}
