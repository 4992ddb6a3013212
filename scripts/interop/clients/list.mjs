// The MCP clients of the matrix.
import { readFileSync } from 'node:fs';
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
const OLD_SDKS = ['1.10.2', '1.12.3', '1.17.5', '1.20.2', '1.25.3'];

/**
 * The clients: name, version, what the machine lacks for them, and the command, which is installed or built at need.
 * `sendsNoCancel`: the usual way to cancel a call with it sends nothing, so that the call runs on.
 */
export const CLIENTS = [
  ...['1.9', '1.20', '1.26'].map((line) =>
    python('Python SDK', 'python-sdk-1', `requirements-mcp-${line}.txt`, 'mcp', true),
  ),
  python('Python SDK', 'python-sdk-1', 'requirements.txt', 'mcp', true),
  python('Python SDK', 'python-sdk-2', 'requirements-mcp-2.txt', 'mcp'),
  python('LangChain MCP adapters', 'langchain', 'requirements.txt', 'langchain-mcp-adapters', true),
  python('OpenAI Agents SDK', 'openai-agents', 'requirements.txt', 'openai-agents', true),
  python('Pydantic AI', 'pydantic-ai', 'requirements.txt', 'pydantic-ai-slim', true),
  ...OLD_SDKS.map((version) => ({
    name: 'TypeScript SDK',
    version: () => version,
    command: () => typescript(installPackage('@modelcontextprotocol/sdk', version), 'typescript-sdk-1'),
  })),
  installed('TypeScript SDK', '@modelcontextprotocol/sdk', 'typescript-sdk-1'),
  installed('TypeScript SDK', '@modelcontextprotocol/client', 'typescript-sdk-2-legacy'),
  installed('TypeScript SDK, `mode: auto`', '@modelcontextprotocol/client', 'typescript-sdk-2'),
  go('Go SDK', 'go-sdk', 'github.com/modelcontextprotocol/go-sdk'),
  go('mcp-go', 'mcp-go', 'github.com/mark3labs/mcp-go'),
  {
    name: 'Rust SDK (rmcp)',
    version: () => /^rmcp = .*"=(.+?)"/m.exec(readFileSync(pathOf('rust/Cargo.toml'), 'utf8'))[1],
    lacks: () => (succeeds('cargo', ['--version']) ? undefined : 'cargo is missing'),
    command: () => [buildRust()],
  },
];

function python(name, kind, requirements, distribution, sendsNoCancel = false) {
  const list = readFileSync(pathOf(`../${requirements}`), 'utf8');
  return {
    name,
    sendsNoCancel,
    version: () => new RegExp(`^${distribution}==(\\S+)`, 'm').exec(list)[1],
    lacks: () => (findPython() === undefined ? NO_PYTHON : undefined),
    command: () => [installPython(requirements), pathOf('client.py'), kind],
  };
}

function installed(name, distribution, kind) {
  const folder = pathOf('../../..');
  return {
    name,
    version: () =>
      JSON.parse(readFileSync(`${folder}/node_modules/${distribution}/package.json`, 'utf8')).version,
    command: () => typescript(folder, kind),
  };
}

function typescript(folder, kind) {
  return [process.execPath, pathOf('client.mjs'), folder, kind];
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
