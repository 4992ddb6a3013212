// The servers of the comparison, each with one tool that makes one HTTP request.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  buildGo,
  findPython,
  installPackage,
  installPython,
  NO_PYTHON,
  succeeds,
} from '../../interop/install.mjs';
import { PROGRAM } from '../processes.mjs';
import { ECHO_PATH, published } from '../wire.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const OPENAPI_SERVER = ['@ivotoby/openapi-mcp-server', '1.16.1'];
const SUPERGATEWAY = ['supergateway', '4.0.0'];
const FLOOR = [process.execPath, here('../floors/sdk-v1.mjs'), 'stdio'];

/** The servers: what the machine lacks for them, and the command on a transport, undefined if they have none. */
export const SERVERS = [
  {
    name: 'bridge',
    tool: published('echo'),
    command: (transport, port) =>
      [process.execPath, PROGRAM, 'serve'].concat(transport === 'http' ? ['--http', '--port', port] : []),
  },
  {
    name: 'SDK v1, a floor',
    tool: published('echo'),
    command: (transport, _, upstream) => (transport === 'stdio' ? [...FLOOR, upstream] : undefined),
  },
  {
    name: OPENAPI_SERVER.join(' '),
    tool: 'echo',
    lacksHttp:
      'it answers calls in the stream of a GET request, which the client of this benchmark does not open',
    command: (transport, port, upstream) => [
      ...npm(OPENAPI_SERVER),
      `--transport=${transport}`,
      `--port=${port}`,
      `--api-base-url=${upstream}`,
      `--spec-inline=${JSON.stringify(documentOf(upstream))}`,
      '--disable-abbreviation=true',
      '--verbose=false',
    ],
  },
  python(`FastMCP ${versionOf('fastmcp')}`, 'fastmcp'),
  python(`FastMCP ${versionOf('fastmcp')}, from_openapi`, 'fastmcp-openapi'),
  python(`Python SDK ${versionOf('mcp')}`, 'mcp'),
  {
    name: `mcp-go ${/mcp-go v(\S+)/.exec(readFileSync(here('go/go.mod'), 'utf8'))[1]}`,
    tool: 'echo',
    lacks: () => (succeeds('go', ['version']) ? undefined : 'go is missing'),
    command: (transport, port, upstream) => [
      buildGo(here('go'), 'peer-go'),
      transport,
      port,
      upstream + ECHO_PATH,
    ],
  },
  {
    name: `mcp-proxy ${versionOf('mcp-proxy', 'mcp-proxy')} before SDK v1`,
    tool: published('echo'),
    lacks: lacksPython,
    command: (transport, port, upstream) =>
      transport === 'http'
        ? [
            installPython('requirements-mcp-proxy.txt'),
            '-m',
            'mcp_proxy',
            `--port=${port}`,
            '--',
            ...FLOOR,
            upstream,
          ]
        : undefined,
  },
  {
    name: `${SUPERGATEWAY.join(' ')} before SDK v1`,
    tool: published('echo'),
    command: (transport, port, upstream) =>
      transport === 'http'
        ? [
            ...npm(SUPERGATEWAY),
            '--stdio', // It would take quotes off the value after an `=`.
            [...FLOOR, upstream].map((part) => `'${part}'`).join(' '),
            '--outputTransport=streamableHttp',
            '--stateful',
            `--port=${port}`,
            '--logLevel=none',
          ]
        : undefined,
  },
];

/** Describes the API of the echo tool. */
function documentOf(upstream) {
  const schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
  const operation = {
    operationId: 'echo',
    summary: 'Returns the text.',
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: { 200: { description: 'The answer.' } },
  };
  return {
    openapi: '3.0.3',
    info: { title: 'Echo', version: '1' },
    servers: [{ url: upstream }],
    paths: { [ECHO_PATH]: { post: operation } },
  };
}

function python(name, kind) {
  return {
    name,
    tool: 'echo',
    lacks: lacksPython,
    command: (transport, port, upstream) => [
      installPython('requirements-peers.txt'),
      here('server.py'),
      kind,
      transport,
      port,
      JSON.stringify(documentOf(upstream)),
    ],
  };
}

function lacksPython() {
  return findPython() === undefined ? NO_PYTHON : undefined;
}

function versionOf(distribution, list = 'peers') {
  const pinned = readFileSync(here(`../../interop/requirements-${list}.txt`), 'utf8');
  return new RegExp(`^${distribution}==(\\S+)`, 'm').exec(pinned)[1];
}

/** Returns the command of the only program of an npm package. */
function npm([name, version]) {
  const folder = join(installPackage(name, version), 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, Object.values(bin)[0])];
}
