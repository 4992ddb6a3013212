import { isDeepStrictEqual } from 'node:util';
import { DOWNLOAD_REQUEST, INVOKE, NO_DOWNLOAD_REQUEST, signedLink } from './fixture-dify.ts';
import {
  jsonAnswer,
  type ScriptedAnswer,
  type ScriptedDify,
  type ScriptedRequest,
  startScriptedDify,
} from './scripted-dify.ts';
import { bodyOf, type Recording, recording, recordings } from './shared.ts';

/** Names and secrets of the installation that was recorded, which no longer exists. */
export const RECORDED = {
  workspaceId: 'fca33602-f62e-46d2-801c-630340289682',
  innerApiKey: 'inner-api-key',
  adminApiKey: 'adm-key-123',
  email: 'admin@example.com',
  password: 'Passw0rd1',
  secretKey: 'sk-test-secret',
} as const;

/** The one file whose download was recorded. */
export const RECORDED_FILE = '6c92410e-08d3-41fa-abc2-759a77f84eb1';

/** When the recorded links were signed, in seconds since 1970; they count as fresh. */
const RECORDED_AT = 1_795_385_542;

const LISTING = /^\/console\/api\/workspaces\/current\/tools\/(builtin|workflow|api|mcp)$/;
/** Recorded pauses are divided by this: eight seconds are a fifth of one. */
const HASTE = 40;

/** The recorded Dify: what it answered then, it answers again. */
export interface RecordedDify extends ScriptedDify {
  readonly invocations: readonly ScriptedRequest[];
  /** What the next invocations get: a recorded answer, by `group/name`, or any other. */
  play(next: string | ScriptedAnswer): void;
}

export interface RecordedDifyOptions {
  /** Lists instead of the recorded ones; the admin key then opens every workspace. */
  readonly listings?: Readonly<Record<string, readonly unknown[]>>;
  /** Files besides the recorded one, by the extension of their link. */
  readonly files?: Readonly<Record<string, ScriptedAnswer>>;
}

/** Serves the recordings. A request that differs from all of them is unanswered, which tests look at. */
export async function startRecordedDify(options: RecordedDifyOptions = {}): Promise<RecordedDify> {
  const { listings, files = {} } = options;
  const consoleEntries = [...recordings('console'), ...recordings('status')];
  let playing: ScriptedAnswer | undefined;

  function listing(type: string, { headers }: ScriptedRequest): ScriptedAnswer | undefined {
    if (listings !== undefined) return jsonAnswer(listings[type] ?? []);
    if (headers.authorization !== `Bearer ${RECORDED.adminApiKey}`) return play('console/admin-key-wrong');
    const isKnown = headers['x-workspace-id'] === RECORDED.workspaceId;
    // Of the four lists one was recorded with the admin key; the others are the same for both.
    return play(isKnown ? `console/tools-${type}` : 'console/admin-key-unknown-workspace');
  }

  function answer(request: ScriptedRequest): ScriptedAnswer | undefined {
    const { method, path, headers } = request;
    if (path === INVOKE && method === 'POST') return playing;
    if (path === DOWNLOAD_REQUEST) return NO_DOWNLOAD_REQUEST;
    if (path === '/inner/api/upload/file/request') return answerUploadRequest(request);
    if (path.startsWith('/files/upload/')) return answerUpload(request);
    if (path.startsWith('/files/')) return answerDownload(path, files);
    const type = LISTING.exec(path)?.[1];
    if (type !== undefined && headers.authorization !== undefined) return listing(type, request);
    const entry = consoleEntries.find((candidate) => matches(candidate, request));
    return entry && replay(entry);
  }

  const dify = await startScriptedDify(answer);
  return {
    ...dify,
    get invocations() {
      return dify.seen.filter(({ path }) => path === INVOKE);
    },
    play(next) {
      playing = typeof next === 'string' ? play(next) : next;
    },
  };
}

function play(name: string): ScriptedAnswer | undefined {
  const entry = recording(name);
  return entry && replay(entry);
}

/** A recorded answer with its headers and its chunks. */
function replay({ response, ...entry }: Recording): ScriptedAnswer {
  const { connection: _, 'content-length': __, 'transfer-encoding': ___, ...headers } = response.headers;
  const { status, chunks } = response;
  if (chunks === undefined) return { status, headers, body: bodyOf({ ...entry, response }) };
  const timed = chunks.map(({ at_ms: at, base64 }, index) => ({
    afterMs: Math.round((at - (chunks[index - 1]?.at_ms ?? at)) / HASTE),
    bytes: Buffer.from(base64, 'base64'),
  }));
  return { status, headers, chunks: timed };
}

function answerUploadRequest({ body }: ScriptedRequest): ScriptedAnswer | undefined {
  const recorded = recording('files/upload-request')?.request.body;
  return isDeepStrictEqual(recorded, body) ? play('files/upload-request') : undefined;
}

/** The upload goes to the recorded address, and its part is the recorded one but for the boundary. */
function answerUpload({ path, bytes }: ScriptedRequest): ScriptedAnswer | undefined {
  const recorded = recording('files/upload')?.request;
  const { base64 } = (recorded?.body ?? { base64: '' }) as { readonly base64: string };
  const isSame = partOf(bytes) === partOf(Buffer.from(base64, 'base64'));
  return recorded?.path === path && isSame ? play('files/upload') : undefined;
}

function partOf(body: Buffer): string {
  const [boundary = '', ...rest] = body.toString('latin1').split('\r\n');
  return rest.filter((text) => !text.startsWith(boundary) && text !== '').join('\n');
}

/** Dify checks the signature, its age, then looks for the file. */
function answerDownload(
  path: string,
  files: Readonly<Record<string, ScriptedAnswer>>,
): ScriptedAnswer | undefined {
  if (!path.includes('?')) return play('files/download-unsigned');
  const link = signedLink(path, RECORDED.secretKey);
  if (link === undefined) return play('files/download-bad-signature');
  const isFresh = [Date.now() / 1000, RECORDED_AT].some((now) => Math.abs(now - link.timestamp) <= 300);
  if (!isFresh) return play('files/download-expired');
  if (link.id === RECORDED_FILE) return play('files/download-signed');
  return files[/\.(\w+)\?/.exec(path)?.[1] ?? ''] ?? play('files/download-unknown');
}

function matches(
  { request: recorded }: Recording,
  { method, path, headers, body }: ScriptedRequest,
): boolean {
  if (recorded.method !== method || recorded.path !== path) return false;
  if (recorded.body !== undefined && !isDeepStrictEqual(recorded.body, body)) return false;
  const telling = ['authorization', 'x-workspace-id', 'x-csrf-token', 'cookie'];
  return telling.every((name) => recorded.headers[name] === headers[name]);
}
