import type { JsonObject } from '../model/json.ts';
import { isLoopback } from '../model/loopback.ts';
import type { Client, ClientName } from './client.ts';

/** How a client reaches the bridge. */
export type ServerTarget =
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      /** Whether the client passes the connection to Dify, from its secret store or its environment. */
      readonly clientSecrets: boolean;
    }
  | {
      readonly kind: 'http';
      /** Includes the path: `http://127.0.0.1:8080/mcp`. */
      readonly url: string;
      /** Whether requests carry a bearer token. */
      readonly authorization: boolean;
    };

/** The entry in a client's file. It contains no secrets. */
export interface ServerEntry {
  readonly entry: JsonObject;
  /** VS Code's `inputs`: values that it asks for once and stores in its secret store. */
  readonly inputs: readonly JsonObject[];
}

/** A value that a client passes on without storing it in its file. */
interface Variable {
  readonly name: string;
  readonly description: string;
  readonly secret?: true;
  readonly optional?: true;
}

/** The variables that connect the bridge to a Dify without a configuration file. */
const CONNECTION: readonly Variable[] = [
  { name: 'DIFY_API_URL', description: "Address of Dify's api service, such as http://127.0.0.1:5001" },
  { name: 'DIFY_INNER_API_KEY', description: "PLUGIN_DIFY_INNER_API_KEY of Dify's .env", secret: true },
  { name: 'DIFY_WORKSPACE_ID', description: 'Id of the Dify workspace (a UUID)' },
  { name: 'DIFY_ADMIN_API_KEY', description: 'ADMIN_API_KEY of Dify', secret: true },
  {
    name: 'DIFY_SECRET_KEY',
    description: 'SECRET_KEY of Dify; empty for tools without files',
    secret: true,
    optional: true,
  },
];
const TOKEN: Variable = {
  name: 'DIFY_BRIDGE_TOKEN',
  description: 'Bearer token of the bridge',
  secret: true,
};

/** Placeholder in JSON that people paste by hand. The status page would mask a longer one as a token. */
export const TOKEN_BLANK = 'Bearer PUT-TOKEN-HERE';

/** Clients that can substitute a value themselves. */
const REFERENCES: Readonly<Partial<Record<ClientName, (variable: Variable) => string>>> = {
  'claude-code': ({ name, optional }) => (optional ? `\${${name}:-}` : `\${${name}}`),
  cursor: ({ name }) => `\${env:${name}}`,
  vscode: (variable) => `\${input:${inputId(variable)}}`,
};

/** Returns true for clients that can pass the connection to Dify without storing it in their file. */
export function keepsSecrets({ name }: Pick<Client, 'name'>): boolean {
  return REFERENCES[name] !== undefined;
}

/** The ids of all inputs that the bridge's entries may use in VS Code. */
export const INPUT_IDS: readonly string[] = [...CONNECTION, TOKEN].map(inputId);

/** Returns the bridge's entry for a client's file. */
export function serverEntry(client: Client, target: ServerTarget): ServerEntry {
  const reference = REFERENCES[client.name];
  if (target.kind === 'http') {
    const authorization = reference === undefined ? TOKEN_BLANK : `Bearer ${reference(TOKEN)}`;
    const headers = target.authorization ? { Authorization: authorization } : undefined;
    const inputs = client.name === 'vscode' && target.authorization ? [input(TOKEN)] : [];
    return { entry: httpEntry(client.name, target.url, headers), inputs };
  }
  const used = target.clientSecrets && reference !== undefined ? CONNECTION : [];
  const env = Object.fromEntries(used.map((one) => [one.name, reference?.(one) ?? '']));
  const start = {
    command: target.command,
    args: [...target.args],
    env: used.length === 0 ? undefined : env,
  };
  return {
    entry: stdioEntry(client.name, start),
    inputs: client.name === 'vscode' ? used.map(input) : [],
  };
}

export interface LaunchOptions {
  /** `npx`: the published package, downloaded if missing. Otherwise the program that is running now. */
  readonly program: 'npx' | { readonly node: string; readonly script: string };
  /** The version of the bridge; npx is pinned to its major and minor version. */
  readonly version: string;
  readonly platform: string;
  /** The arguments after the program, such as `serve`. */
  readonly args: readonly string[];
}

/** Returns the command that starts the bridge over standard input and output. */
export function launchCommand(
  client: Pick<Client, 'needsShell'>,
  { program, version, platform, args }: LaunchOptions,
): { readonly command: string; readonly args: readonly string[] } {
  if (program !== 'npx') return { command: program.node, args: [program.script, ...args] };
  const [major = '0', minor = '0'] = version.split('.');
  const words = ['-y', `dify-mcp-bridge@${major}.${minor}`, ...args];
  return platform === 'win32' && client.needsShell
    ? { command: 'cmd', args: ['/c', 'npx', ...words] }
    : { command: 'npx', args: words };
}

/** Returns whether a bridge at this address must require a token; on loopback it need not. */
export function asksForToken(url: URL): boolean {
  return !isLoopback(url.hostname);
}

function stdioEntry(client: ClientName, start: JsonObject): JsonObject {
  switch (client) {
    case 'claude-code':
    case 'vscode':
      return { type: 'stdio', ...start };
    case 'cherry-studio':
      return { type: 'stdio', ...start, isActive: true };
    default:
      return start;
  }
}

function httpEntry(client: ClientName, url: string, headers: JsonObject | undefined): JsonObject {
  switch (client) {
    case 'claude-code':
    case 'vscode':
    case 'json':
      return { type: 'http', url, headers };
    case 'cherry-studio':
      return { type: 'streamableHttp', baseUrl: url, headers, isActive: true };
    default:
      return { url, headers };
  }
}

function input(variable: Variable): JsonObject {
  const { description, secret } = variable;
  return { type: 'promptString', id: inputId(variable), description, password: secret };
}

function inputId({ name }: Variable): string {
  return name.toLowerCase();
}
