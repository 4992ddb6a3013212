// The MCP clients of the matrix.
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildGo,
  buildRust,
  findPython,
  installPackage,
  installPython,
  NO_PYTHON,
  succeeds,
} from '../install.mjs';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const ROOT = pathOf('../../..');
const PROXY = 'requirements-mcp-proxy.txt';
const OLD_SDKS = ['1.10.2', '1.12.3', '1.17.5', '1.20.2', '1.25.3'];

const NO_CANCEL = {
  cancel: { says: 'the call runs on', why: 'stops waiting, and sends nothing to the server' },
};
const ONE_PAGE = {
  list: {
    says: 'the answer is ["',
    why: 'asks for the first page only, which has all tools unless `tools.pageSize` is set',
  },
};
const CTRL_C = {
  cancel: { says: 'the call runs on', why: 'Ctrl+C ends it, and it sends nothing to the server before' },
};
const NO_ERROR = {
  failure: {
    says: 'The garden is closed.',
    why: 'returns the text of the error as if it were a result, without `isError`',
  },
};

/**
 * The clients: name, version, what the machine lacks for them, and the command, which is installed or built at need.
 * `faults` are the steps that fail by the client's own fault: what the failure says, and why. `transports` are those that
 * it has, if not both. `through` returns the plan of a client that reaches the bridge through another program.
 */
export const CLIENTS = [
  ...['1.9', '1.20', '1.26'].map((line) =>
    python('Python SDK', 'python_sdk_1', `requirements-mcp-${line}.txt`, 'mcp', NO_CANCEL),
  ),
  python('Python SDK', 'python_sdk_1', 'requirements.txt', 'mcp', NO_CANCEL),
  python('Python SDK', 'python_sdk_2', 'requirements-mcp-2.txt', 'mcp'),
  python('FastMCP', 'fastmcp', 'requirements-clients-1.txt', 'fastmcp', NO_CANCEL),
  python('FastMCP', 'fastmcp', 'requirements-clients-2.txt', 'fastmcp'),
  python('LangChain MCP adapters', 'langchain', 'requirements.txt', 'langchain-mcp-adapters', NO_CANCEL),
  python('OpenAI Agents SDK', 'openai_agents', 'requirements.txt', 'openai-agents', NO_CANCEL),
  python('Pydantic AI', 'pydantic_ai', 'requirements.txt', 'pydantic-ai-slim', NO_CANCEL),
  python('AutoGen', 'autogen', 'requirements.txt', 'autogen-ext', {
    ...ONE_PAGE,
    file: {
      says: 'Unknown content type from server',
      why: 'knows no links to resources, although they belong to its revision, and raises an error instead of the result',
    },
    cancel: {
      says: "'coroutine' object has no attribute 'cancel'",
      why: 'its `CancellationToken` raises an error',
    },
  }),
  python('smolagents', 'smolagents', 'requirements.txt', 'smolagents', {
    ...ONE_PAGE,
    ...NO_ERROR,
    picture: { says: 'the answer is []', why: 'reads only the first block of a result' },
  }),
  python('CrewAI', 'crewai', 'requirements-crewai.txt', 'crewai-tools', {
    ...ONE_PAGE,
    ...NO_ERROR,
  }),
  python('Semantic Kernel', 'semantic_kernel', 'requirements-clients-1.txt', 'semantic-kernel', {
    ...ONE_PAGE,
    ...NO_ERROR,
    ...NO_CANCEL,
  }),
  python('Haystack', 'haystack', 'requirements-clients-1.txt', 'mcp-haystack', ONE_PAGE),
  python('Strands Agents', 'strands', 'requirements-clients-1.txt', 'strands-agents'),
  python('CAMEL', 'camel', 'requirements-clients-1.txt', 'camel-ai', { ...ONE_PAGE, ...NO_CANCEL }),
  python('mcp-use (Python)', 'mcp_use', 'requirements-clients-1.txt', 'mcp-use', {
    ...ONE_PAGE,
    ...NO_CANCEL,
  }),
  python('LlamaIndex', 'llama_index', 'requirements-clients-2.txt', 'llama-index-tools-mcp', ONE_PAGE),
  python('Google ADK', 'google_adk', 'requirements-clients-2.txt', 'google-adk', ONE_PAGE),
  python('Agno', 'agno', 'requirements-clients-2.txt', 'agno'),
  python(
    'Microsoft Agent Framework',
    'agent_framework',
    'requirements-clients-2.txt',
    'agent-framework-core',
    {
      restart: {
        says: 'Connection closed',
        why: 'lists the tools again as soon as its subscription ends; a request to a bridge that is down closes the connection of Python SDK 2 for good',
      },
    },
  ),
  ...OLD_SDKS.map((version) => npm('TypeScript SDK', 'typescriptSdk1', '@modelcontextprotocol/sdk', version)),
  installed('TypeScript SDK', '@modelcontextprotocol/sdk', 'typescriptSdk1'),
  installed('TypeScript SDK', '@modelcontextprotocol/client', 'typescriptSdk2Legacy'),
  installed('TypeScript SDK, `mode: auto`', '@modelcontextprotocol/client', 'typescriptSdk2'),
  npm('AI SDK', 'aiSdk', '@ai-sdk/mcp', '2.0.99', {
    cancel: { says: 'the call runs on', why: 'over stdio, stops waiting, and sends nothing to the server' },
  }),
  npm('Mastra', 'mastra', '@mastra/mcp', '2.0.0'),
  npm('LangChain.js MCP adapters', 'langchain', '@langchain/mcp-adapters', '1.1.4'),
  npm('OpenAI Agents SDK (JS)', 'openaiAgents', '@openai/agents', '0.20.0'),
  npm('Strands Agents (TypeScript)', 'strands', '@strands-agents/sdk', '1.19.0'),
  npm('LlamaIndex.TS', 'llamaIndex', '@llamaindex/tools', '0.2.1', ONE_PAGE),
  npm('MCP Inspector, `--cli`', 'inspector', '@modelcontextprotocol/inspector', '2.12.0', CTRL_C),
  npm('mcporter', 'mcporter', 'mcporter', '0.12.3', CTRL_C),
  program('Claude Code', 'claudeCode', '@anthropic-ai/claude-code', '2.1.197'),
  program('Codex CLI', 'codex', '@openai/codex', '0.171.0'),
  program('Gemini CLI', 'geminiCli', '@google/gemini-cli', '0.61.0', ONE_PAGE),
  program('Qwen Code', 'qwenCode', '@qwen-code/qwen-code', '0.24.4'),
  program('opencode', 'opencode', 'opencode-ai', '1.18.33'),
  gateway('mcp-remote', '0.15.1', (url) => [url, '--allow-http', '--transport', 'http-only']),
  {
    ...gateway('supergateway', '4.0.0', (url) => ['--streamableHttp', url, '--logLevel', 'none']),
    faults: { progress: { says: 'the answer is 0', why: 'asks for no progress, and passes none on' } },
  },
  {
    ...typescriptBehind('mcp-proxy', ({ url }) => [
      join(dirname(installPython(PROXY)), 'mcp-proxy'),
      ['--transport', 'streamablehttp', url],
    ]),
    faults: { cancel: { says: 'the call runs on', why: 'does not pass the cancellation on' } },
    version: () => /^mcp-proxy==(\S+)/m.exec(readFileSync(pathOf(`../${PROXY}`), 'utf8'))[1],
    lacks: () => (findPython() === undefined ? NO_PYTHON : undefined),
  },
  go('Go SDK', 'go-sdk', 'github.com/modelcontextprotocol/go-sdk'),
  go('mcp-go', 'mcp-go', 'github.com/mark3labs/mcp-go'),
  {
    name: 'Rust SDK (rmcp)',
    version: () => /^rmcp = .*"=(.+?)"/m.exec(readFileSync(pathOf('rust/Cargo.toml'), 'utf8'))[1],
    lacks: () => (succeeds('cargo', ['--version']) ? undefined : 'cargo is missing'),
    command: () => [buildRust()],
  },
];

function python(name, kind, requirements, distribution, faults) {
  const list = readFileSync(pathOf(`../${requirements}`), 'utf8');
  return {
    name,
    faults,
    version: () => new RegExp(`^${distribution}==(\\S+)`, 'm').exec(list)[1],
    lacks: () => (findPython() === undefined ? NO_PYTHON : undefined),
    command: () => [installPython(requirements), pathOf('python/client.py'), kind],
  };
}

function npm(name, kind, distribution, version, faults) {
  return {
    name,
    faults,
    version: () => version,
    command: () => typescript(installPackage(distribution, version), kind),
  };
}

/** A program that its package completes by a script. */
function program(name, kind, distribution, version, faults) {
  const command = () => typescript(installPackage(distribution, version, { scripts: true }), kind);
  return { ...npm(name, kind, distribution, version, faults), command };
}

/** A program of npm between a client that speaks stdio and the bridge. */
function gateway(name, version, argumentsOf) {
  const bin = () => join(installPackage(name, version), 'node_modules', '.bin', name);
  return { ...typescriptBehind(name, ({ url }) => [bin(), argumentsOf(url)]), version: () => version };
}

function typescriptBehind(name, commandOf) {
  return {
    name: `${name}, before the TypeScript SDK`,
    command: () => typescript(ROOT, 'typescriptSdk1'),
    transports: ['HTTP'],
    through: (plan) => {
      const [command, args] = commandOf(plan);
      return { ...plan, url: undefined, command, args, env: { PATH: process.env.PATH, HOME: tmpdir() } };
    },
  };
}

function installed(name, distribution, kind) {
  return {
    name,
    version: () =>
      JSON.parse(readFileSync(`${ROOT}/node_modules/${distribution}/package.json`, 'utf8')).version,
    command: () => typescript(ROOT, kind),
  };
}

function typescript(folder, kind) {
  return [process.execPath, pathOf('node/client.mjs'), folder, kind];
}

function go(name, kind, module) {
  const list = readFileSync(pathOf('go/go.mod'), 'utf8');
  return {
    name,
    version: () => new RegExp(`${module} v(\\S+)`).exec(list)[1],
    lacks: () => (succeeds('go', ['version']) ? undefined : 'go is missing'),
    command: () => [buildGo(), kind],
  };
}
