// Agents for the terminal, with a model that calls what the driver says. Each function starts an agent, as in
// session-clients.mjs. They show a model neither structured content nor progress.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stdioOf } from './load.mjs';
import { startModel } from './model.mjs';

const PROMPT = 'Use the tools of the bridge.';
const KEY = 'sk-not-a-real-key';

export function claudeCode(plan) {
  return agent({
    program: 'claude',
    args: ['-p', PROMPT, '--mcp-config', 'mcp.json', '--strict-mcp-config', '--allowedTools', 'mcp__bridge'],
    files: () => ({
      'mcp.json': {
        mcpServers: { bridge: plan.url === undefined ? stdioOf(plan) : { type: 'http', url: plan.url } },
      },
    }),
    env: (url) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: KEY,
      ENABLE_TOOL_SEARCH: 'false',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    }),
    toolOf: (name) => `mcp__bridge__${name}`,
    readWith: (uri) => ({ name: 'ReadMcpResourceTool', args: { server: 'bridge', uri } }),
    fileOf: async (text) => (await readFile(JSON.parse(text).contents[0].blobSavedTo)).toString('base64'),
  });
}

export function codex(plan) {
  const env = Object.entries(plan.env ?? {}).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return agent({
    program: 'codex',
    args: ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', PROMPT],
    files: (url) => ({
      '.codex/config.toml': `
model = "scripted"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
[mcp_servers.bridge]
${plan.url === undefined ? `command = ${JSON.stringify(plan.command)}\nargs = ${JSON.stringify(plan.args)}\n[mcp_servers.bridge.env]\n${env.join('\n')}` : `url = "${plan.url}"`}
`,
    }),
    env: () => ({ SCRIPTED_KEY: KEY }),
    toolOf: (name) => `mcp__bridge/${name}`,
    readWith: (uri) => ({ name: 'read_mcp_resource', args: { server: 'bridge', uri } }),
    fileOf: (text) => JSON.parse(text).contents[0].blob,
    failure: '(failed)',
  });
}

export function geminiCli(plan) {
  return agent({
    program: 'gemini',
    args: ['--prompt', PROMPT, '--yolo'],
    files: () => ({
      '.gemini/settings.json': {
        security: { auth: { selectedType: 'gemini-api-key' } },
        mcpServers: {
          bridge: { trust: true, ...(plan.url === undefined ? stdioOf(plan) : { httpUrl: plan.url }) },
        },
      },
    }),
    env: (url) => ({ GEMINI_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: url, GEMINI_CLI_TRUST_WORKSPACE: 'true' }),
    toolOf: (name) => `mcp_bridge_${name}`,
  });
}

export function qwenCode(plan) {
  return agent({
    program: 'qwen',
    args: ['--prompt', PROMPT, '--yolo', '--auth-type', 'openai'],
    files: () => ({
      '.qwen/settings.json': {
        // Otherwise the model sees tools only after a search.
        tools: { toolSearch: { enabled: false } },
        mcpServers: {
          bridge: { trust: true, ...(plan.url === undefined ? stdioOf(plan) : { httpUrl: plan.url }) },
        },
      },
    }),
    env: (url) => ({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'gpt-4o' }),
    toolOf: (name) => `mcp__bridge__${name}`,
    failure: 'reported tool error',
  });
}

export function opencode(plan) {
  return agent({
    program: 'opencode',
    args: ['run', '--model', 'scripted/scripted', PROMPT],
    files: (url) => ({
      'opencode.json': {
        provider: {
          scripted: {
            npm: '@ai-sdk/openai-compatible',
            options: { baseURL: `${url}/v1`, apiKey: KEY },
            models: {
              scripted: { attachment: true, modalities: { input: ['text', 'image'], output: ['text'] } },
            },
          },
        },
        mcp: {
          bridge:
            plan.url === undefined
              ? { type: 'local', command: [plan.command, ...plan.args], environment: plan.env }
              : { type: 'remote', url: plan.url },
        },
      },
    }),
    env: () => ({ OPENCODE_DISABLE_AUTOUPDATE: '1' }),
    toolOf: (name) => `bridge_${name}`,
    failure: '✗',
  });
}

/**
 * Starts an agent in a folder and a home of its own, and waits until it asks the model. `failure` is what the agent prints
 * of a call that failed, if it does not tell the model. `readWith` returns the call of its own tool for resources, and
 * `fileOf` what the answer has, as base64.
 */
async function agent({ program, args, files, env, toolOf, failure, readWith, fileOf }) {
  const model = await startModel();
  const home = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-agent-'));
  for (const [name, content] of Object.entries(files(model.url))) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const child = spawn(join(process.argv[2], 'node_modules', '.bin', program), args, {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...env(model.url) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the agent has ended: ${printed}`)));
  ended.catch(() => undefined);
  let request = await Promise.race([model.next(), ended]);
  const prefix = toolOf('');

  async function ask(call) {
    printed = '';
    request.reply(call);
    request = await Promise.race([model.next(), ended]);
    return request.answer;
  }

  return {
    names: async () =>
      request.tools.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    async call(name, given) {
      const answer = await ask({ name: toolOf(name), args: given });
      if (failure === undefined) return answer;
      // The agent prints before it asks the model, and through another pipe.
      await sleep(200);
      return { ...answer, error: `${printed}${answer.text}`.includes(failure) };
    },
    read: readWith && (async (uri) => fileOf((await ask(readWith(uri))).text)),
    structured: false,
    progress: false,
    cancel: false,
    async close() {
      request.reply(undefined);
      await ended.catch(() => undefined);
      await rm(home, { recursive: true, force: true });
    },
  };
}
