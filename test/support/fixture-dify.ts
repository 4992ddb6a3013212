import { createSigner } from '../../src/sandbox/signing.ts';
import { ADMIN_KEY, WORKSPACE } from './fake-console.ts';
import { wireParameter, wireProvider, wireTool } from './console-listings.ts';
import {
  jsonAnswer,
  type ScriptedAnswer,
  type ScriptedDify,
  type ScriptedRequest,
  startScriptedDify,
} from './scripted-dify.ts';

export const INNER_KEY = 'fake-inner-key';
export const SECRET_KEY = 'fake-secret-key';

/** The route that gives addresses of files, from 1.15 on, and what releases before that answer. */
export const DOWNLOAD_REQUEST = '/inner/api/download/file/request';
export const NO_DOWNLOAD_REQUEST = jsonAnswer(
  {
    code: 'not_found',
    message: 'The requested URL was not found on the server.',
    status: 404,
  },
  404,
);

/** The route of reverse invocation. */
export const INVOKE = '/inner/api/invoke/tool';

const CURRENT = '/console/api/workspaces/current';

/** Each tool takes the title of the case that it is to play. */
const run = (name: string, fields: Record<string, unknown> = {}): Record<string, unknown> =>
  wireTool(name, { parameters: [wireParameter('case', { required: true })], ...fields });

const outputs = (properties: Record<string, string>) => ({
  output_schema: {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, type]) => [name, { type, description: '' }]),
    ),
  },
});

const LISTINGS: Readonly<Record<string, readonly unknown[]>> = {
  builtin: [
    wireProvider('builtin', 'time', [run('now')]),
    wireProvider('builtin', 'acme/kit/kit', [run('run')]),
    wireProvider('builtin', 'acme/keyed/keyed', [run('run')], {
      label: { en_US: 'Keyed' },
      is_team_authorization: false,
    }),
  ],
  workflow: [
    wireProvider('workflow', '0a2b6f1e-1111-4222-8333-444455556666', [
      run('summarise', outputs({ summary: 'string', count: 'number', tags: 'array[string]' })),
    ]),
    wireProvider('workflow', '0a2b6f1e-1111-4222-8333-444455557777', [
      run('export', outputs({ report: 'file', words: 'number' })),
    ]),
  ],
  api: [wireProvider('api', '9c0de1aa-1111-4222-8333-444455556666', [run('getPet')], { name: 'pets' })],
  mcp: [wireProvider('mcp', 'my-server', [run('mixed')])],
};

/** A Dify with one tool of every kind, all of which do what the test scripts. */
export interface FixtureDify extends ScriptedDify {
  /** The settings that lead a bridge there. */
  readonly env: Readonly<Record<string, string>>;
  /** Invocations that arrived. */
  readonly invocations: readonly ScriptedRequest[];
}

export interface FixtureScript {
  /** The answer to an invocation, by the case that its arguments name. */
  readonly invoke: (name: string, request: ScriptedRequest) => ScriptedAnswer | undefined;
  /** The answer to a request for a file whose signature holds. */
  readonly file?: (id: string) => ScriptedAnswer;
}

export async function startFixtureDify({ invoke, file }: FixtureScript): Promise<FixtureDify> {
  const dify = await startScriptedDify((request) => {
    const { method, path, headers } = request;
    if (method === 'POST' && path === INVOKE) {
      if (headers['x-inner-api-key'] !== INNER_KEY) return undefined;
      const { tool_parameters: parameters } = request.body as { tool_parameters: { case: string } };
      return invoke(parameters.case, request);
    }
    if (path === DOWNLOAD_REQUEST) return NO_DOWNLOAD_REQUEST;
    const listed = path.startsWith(`${CURRENT}/tools/`)
      ? LISTINGS[path.slice(`${CURRENT}/tools/`.length)]
      : undefined;
    if (listed !== undefined) {
      const isAdmin =
        headers.authorization === `Bearer ${ADMIN_KEY}` && headers['x-workspace-id'] === WORKSPACE;
      return isAdmin ? jsonAnswer(listed) : jsonAnswer({ code: 'unauthorized' }, 401);
    }
    const link = signedLink(path, SECRET_KEY);
    const isFresh = link !== undefined && Math.abs(Date.now() / 1000 - link.timestamp) <= 300;
    return isFresh ? file?.(link.id) : undefined;
  });
  return {
    ...dify,
    env: {
      DIFY_API_URL: dify.url,
      DIFY_INNER_API_KEY: INNER_KEY,
      DIFY_WORKSPACE_ID: WORKSPACE,
      DIFY_ADMIN_API_KEY: ADMIN_KEY,
      DIFY_SECRET_KEY: SECRET_KEY,
      // Most rows are failures of Dify.
      DIFY_BRIDGE_LIMITS_BREAKER_FAILURES: '1000',
    },
    get invocations() {
      return dify.seen.filter(({ path }) => path === INVOKE);
    },
  };
}

/** File and time of a link whose signature holds. */
export function signedLink(
  path: string,
  secretKey: string,
): { readonly id: string; readonly timestamp: number } | undefined {
  const match = /^\/files\/(?:tools\/([0-9a-f-]{36})\.\w+|([0-9a-f-]{36})\/file-preview)(\?.+)$/.exec(path);
  const id = match?.[1] ?? match?.[2];
  const query = new URLSearchParams(match?.[3]);
  const field = (name: string): string => query.get(name) ?? '';
  if (id === undefined) return undefined;
  const timestamp = Number(field('timestamp'));
  // The sandbox's own idea of a signature, not the bridge's.
  const signer = createSigner(secretKey, () => timestamp * 1000);
  const signed = { timestamp: field('timestamp'), nonce: field('nonce'), sign: field('sign') };
  return signer.downloadIsValid(id, signed) ? { id, timestamp } : undefined;
}
